// Every kept trade, chosen by the server, each with the record of its decision; and the files for spreadsheets and taxes.

import { decimals, percent, points, time } from "../format.js";
import { html } from "../html.js";
import { useAsked } from "../parts/asked.js";
import { Answer, Section, Table } from "../parts/bits.js";
import { Entry } from "../parts/entry.js";
import { fresh, route, status } from "../state.js";
import { useState } from "../vendor/preact-hooks.js";
import { Doubt } from "./doubt.js";
import { tradeColumns } from "./overview.js";

const STATES = ["", "EXECUTED", "FAILED"];
const FIELDS = [
  { name: "asset", label: "Asset", placeholder: "all" },
  { name: "from", label: "From", placeholder: "2025-05-10" },
  { name: "to", label: "Before", placeholder: "now" },
];
const PAGE = 25;

export function Trades() {
  const named = route.value.rest;
  const open = status.value?.open_trade;
  return html`<h1>Trades</h1>
    ${open?.state === "UNRESOLVED" ? html`<${Doubt} key=${open.id} trade=${open} />` : null}
    ${named ? html`<${Explained} key=${named} name=${named} />` : null}
    <${Kept} />`;
}

/** One page of the trades that are wanted; the first one is kept up to date. */
function Kept() {
  const [wanted, setWanted] = useState({});
  const [cursors, setCursors] = useState([]);
  const filter = String(new URLSearchParams(wanted));
  const page = new URLSearchParams({ limit: PAGE, ...wanted, ...(cursors.length ? { cursor: cursors.at(-1) } : {}) });
  const asked = useAsked(`trades?${page}`);
  const errors = Object.fromEntries((asked.error?.fields ?? []).map(({ field, message }) => [field, message]));
  const want = (name) => (event) => {
    const { [name]: _, ...others } = wanted;
    const text = event.target.value.trim();
    setWanted(text ? { ...others, [name]: text } : others);
    setCursors([]);
  };
  const year = new Date().getUTCFullYear();
  const options = Object.entries(wanted).map(([name, text]) => `--${name} ${text}`).join(" ");
  return html`<${Section} name="kept" title="Kept trades" note=${`${PAGE} at once, newest first`} twin=${[`trades ${options}`.trim(), "trades --csv FILE", "trades --tax FILE"]}>
    <form class="entries" onSubmit=${(event) => event.preventDefault()} novalidate>
      <${Entry} label="Outcome" name="state" value=${wanted.state ?? ""} error=${errors.state} onType=${want("state")}>${STATES.map((one) => html`<option key=${one} value=${one}>${one ? one.toLowerCase() : "all"}</option>`)}<//>
      ${FIELDS.map(({ name, label, placeholder }) => html`<${Entry} key=${name} name=${name} label=${label} placeholder=${placeholder} error=${errors[name]} onChange=${want(name)} />`)}
    </form>
    <div class="controls">
      <a class="button" href=${`api/trades.csv${filter ? `?${filter}` : ""}`} download>CSV of these</a>
      <a class="button" href=${`api/tax.csv?year=${year}`} download>Taxes ${year}</a>
      <a class="button" href=${`api/tax.csv?year=${year - 1}`} download>Taxes ${year - 1}</a>
    </div>
    ${asked.error?.fields?.length ? null : html`<${Answer} asked=${asked} rows=${10}>${(answer) => html`<${Page} answer=${answer} isFiltered=${Boolean(filter)} cursors=${cursors} onTurn=${setCursors} />`}<//>`}
  <//>`;
}

function Page({ answer: { trades, cursor }, isFiltered, cursors, onTurn }) {
  const none = isFiltered || cursors.length ? "None of the kept trades is like that." : "None yet. Most markets, most of the time, give nothing to trade after costs; the opportunities say why.";
  return html`
    ${trades.length
      ? html`<${Table} label="Trades" columns=${tradeColumns} rows=${trades} keyOf=${(trade) => trade.id} kindOf=${(trade) => (trade.id === fresh.value ? "fresh" : "")} />`
      : html`<p class="empty">${none}</p>`}
    <div class="controls">
      <button type="button" disabled=${!cursors.length} onClick=${() => onTurn(cursors.slice(0, -1))}>Newer</button>
      <button type="button" disabled=${cursor === null} onClick=${() => onTurn([...cursors, cursor])}>Older</button>
    </div>`;
}

function Explained({ name }) {
  const asked = useAsked(`trades/${encodeURIComponent(name)}`, { pulsing: false });
  return html`<${Section} name="explained" title="Why this trade" note=${name} twin=${`explain ${name}`}>
    <${Answer} asked=${asked} rows=${10}>${(answer) => html`<${Record} told=${answer.explanation} />`}<//>
    <p><a href="#/trades">Close</a></p>
  <//>`;
}

function Record({ told: { again, words, scored, gates, cost, seen } }) {
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
