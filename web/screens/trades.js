// Every kept trade, each with the record of its decision; and the files for spreadsheets and taxes.

import { decimals, percent, points, time } from "../format.js";
import { html } from "../html.js";
import { useAsked } from "../parts/asked.js";
import { Answer, Section, Table } from "../parts/bits.js";
import { fresh, route } from "../state.js";
import { useState } from "../vendor/preact-hooks.js";
import { tradeColumns } from "./overview.js";

const STATES = ["", "EXECUTED", "FAILED", "UNRESOLVED"];

export function Trades() {
  const named = route.value.rest;
  return html`<h1>Trades</h1>${named ? html`<${Explained} key=${named} name=${named} />` : null}<${Kept} />`;
}

function Kept() {
  const asked = useAsked("trades?limit=100");
  const [state, setState] = useState("");
  const [asset, setAsset] = useState("");
  const year = new Date().getUTCFullYear();
  const wanted = (trade) => (!state || trade.state === state) && (!asset || [trade.from, trade.to].includes(asset));
  return html`<${Section} name="kept" title="Kept trades" note="the newest 100" twin=${["trades", "trades --csv FILE", "trades --tax FILE"]}>
    <div class="controls">
      <label>Outcome <select value=${state} onChange=${(event) => setState(event.target.value)}>${STATES.map((one) => html`<option key=${one} value=${one}>${one ? one.toLowerCase() : "all"}</option>`)}</select></label>
      <label>Asset <input size="6" value=${asset} placeholder="all" onInput=${(event) => setAsset(event.target.value.trim().toUpperCase())} /></label>
      <a class="button" href="api/trades.csv" download>CSV of these</a>
      <a class="button" href=${`api/tax.csv?year=${year}`} download>Taxes ${year}</a>
      <a class="button" href=${`api/tax.csv?year=${year - 1}`} download>Taxes ${year - 1}</a>
    </div>
    <${Answer} asked=${asked} rows=${10}>${({ trades }) => {
      const rows = trades.filter(wanted);
      if (!trades.length) return html`<p class="empty">None yet. Most markets, most of the time, give nothing to trade after costs; the opportunities say why.</p>`;
      if (!rows.length) return html`<p class="empty">None of the ${trades.length} is like that.</p>`;
      return html`<${Table} label="Trades" columns=${tradeColumns} rows=${rows} keyOf=${(trade) => trade.id} kindOf=${(trade) => (trade.id === fresh.value ? "fresh" : "")} />`;
    }}<//>
  <//>`;
}

function Explained({ name }) {
  const asked = useAsked(`trades/${encodeURIComponent(name)}`, { pulsing: false });
  return html`<${Section} name="explained" title="Why this trade" note=${name} twin=${`explain ${name}`}>
    <${Answer} asked=${asked} rows=${10}>${(answer) => html`<${Record} answer=${answer} />`}<//>
    <p><a href="#/trades">Close</a></p>
  <//>`;
}

function Record({ answer }) {
  const { again, words, scored, gates, cost, seen } = answer.explanation;
  const columns = [
    { name: "gate", label: "Gate", kind: "strong", show: (row) => row.gate.replace("_", " ") },
    { name: "passed", label: "Passed", show: (row) => (row.passed ? "yes" : "no") },
    { name: "why", label: "By how much", kind: "wide", show: (row) => row.why },
  ];
  return html`
    ${words.map((line) => html`<p key=${line}>${line}</p>`)}
    <p class=${again.same === false ? "notice bad" : "notice"}>${again.why}${again.differences.length ? ` ${again.differences.join("; ")}` : ""}</p>
    ${scored
      ? html`<dl class="facts">
          <div><dt>Confidence</dt><dd>${decimals(scored.confidence, 3)}</dd></div>
          <div><dt>Risk</dt><dd>${decimals(scored.risk, 3)}</dd></div>
          <div><dt>Net return</dt><dd>${percent(scored.expected_return, 3)}</dd></div>
          <div><dt>Cost expected</dt><dd>${points(cost.expected_cost_bps)}</dd></div>
          <div><dt>Cost quoted</dt><dd>${points(cost.quoted_cost_bps)}</dd></div>
          <div><dt>Cost paid</dt><dd>${points(cost.cost_bps)}</dd></div>
          <div><dt>Horizon</dt><dd>${scored.horizon} samples of ${scored.sample_seconds} s</dd></div>
          <div><dt>Forecaster</dt><dd>${scored.forecaster}</dd></div>
        </dl>`
      : null}
    ${gates.length ? html`<${Table} label="Gates" columns=${columns} rows=${gates} keyOf=${(row) => row.gate} />` : null}
    ${seen ? html`<p class="note">Seen at ${time(seen.at)} with settings version ${seen.settings_version}, ${seen.samples} samples.</p>` : null}`;
}
