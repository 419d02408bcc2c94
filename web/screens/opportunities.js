// Every possible conversion with what stopped it, and the decisions that did not trade.

import { decimals, percent, points, time } from "../format.js";
import { html } from "../html.js";
import { useAsked } from "../parts/asked.js";
import { Answer, Section, Table } from "../parts/bits.js";
import { useState } from "../vendor/preact-hooks.js";
import { honestly } from "./overview.js";

const GATES = ["window", "price", "held", "confidence", "risk", "return", "cooldown", "minimum", "budget", "reserve", "open_trade", "stopped", "killed", "halted"];

export function Opportunities() {
  const asked = useAsked("opportunities?limit=1000", { every: 15 });
  return html`<h1>Opportunities</h1>
    <${Answer} asked=${asked} rows=${24}>${(answer) => html`<${Board} answer=${answer} />`}<//>
    <${Decisions} />`;
}

function Board({ answer }) {
  const [chosen, setChosen] = useState("");
  const { opportunities, at } = answer;
  const assets = [...new Set(opportunities.flatMap((one) => [one.from, one.to]))].sort();
  const byName = new Map(opportunities.map((one) => [`${one.from} ${one.to}`, one]));
  const shown = byName.get(chosen) ?? opportunities[0];
  const largest = Math.max(1e-9, ...opportunities.map((one) => Math.abs(one.expected_return ?? 0)));
  return html`<${Section} name="board" title="Board" note=${at ? `decided ${time(at)}` : ""} twin="opportunities --limit 100">
    <p class="honest">${honestly(opportunities[0])}</p>
    <p class="note">Rows are what is sold, columns what is bought; each cell is the net return that is expected after all costs. Outlined cells pass every gate.</p>
    <div class="scroll" role="region" aria-label="Board of all conversions" tabindex="0">
      <table class="board">
        <thead><tr><th scope="col"><span class="hidden">From, to</span></th>${assets.map((asset) => html`<th key=${asset} scope="col">${asset}</th>`)}</tr></thead>
        <tbody>${assets.map((from) => html`<tr key=${from}>
          <th scope="row">${from}</th>
          ${assets.map((to) => html`<td key=${to}>${from === to ? null : html`<${Cell} one=${byName.get(`${from} ${to}`)} largest=${largest} isShown=${shown === byName.get(`${from} ${to}`)} onChoose=${() => setChosen(`${from} ${to}`)} />`}</td>`)}
        </tr>`)}</tbody>
      </table>
    </div>
    ${shown ? html`<${Detail} one=${shown} />` : null}
  <//>`;
}

function Cell({ one, largest, isShown, onChoose }) {
  if (!one) return null;
  const part = Math.min(Math.abs(one.expected_return ?? 0) / largest, 1);
  const kind = one.expected_return === null ? "unknown" : one.expected_return > 0 ? "gain" : "loss";
  const step = Math.ceil(part * 5);
  return html`<button type="button" class=${`cell ${kind} step-${step} ${one.gate === "open" ? "open" : ""}`} aria-pressed=${isShown} onClick=${onChoose} title=${one.why}>
    ${one.expected_return === null ? "–" : percent(one.expected_return)}
  </button>`;
}

function Detail({ one }) {
  const stopped = GATES.indexOf(one.gate);
  const asked = GATES.map((gate, place) => ({ gate, kind: one.gate === "open" || place < stopped ? "passed" : place === stopped ? "stopped" : "not asked" }));
  return html`<div class="detail" aria-live="polite">
    <h3>${one.from} → ${one.to}</h3>
    <p>${one.why}.</p>
    <dl class="facts">
      <div><dt>Confidence</dt><dd>${decimals(one.confidence, 3)}</dd></div>
      <div><dt>Risk</dt><dd>${decimals(one.risk, 3)}</dd></div>
      <div><dt>Net return</dt><dd>${percent(one.expected_return, 3)}</dd></div>
      <div><dt>Cost</dt><dd>${points(one.cost_bps)}</dd></div>
      <div><dt>Amount</dt><dd>${one.amount} ${one.from}</dd></div>
    </dl>
    <ol class="gates">${asked.map(({ gate, kind }) => html`<li key=${gate} class=${kind.replace(" ", "-")}><span>${gate.replace("_", " ")}</span> ${kind}${kind === "stopped" ? `: ${numbers(one)}` : ""}</li>`)}</ol>
  </div>`;
}

const numbers = ({ value, limit }) => (value === null || limit === null ? "not known" : `${short(value)} where it needs ${short(limit)}`);
const short = (number) => String(Number(number.toPrecision(4)));

function Decisions() {
  const asked = useAsked("decisions?limit=20", { every: 30 });
  const columns = [
    { name: "at", label: "Tick", show: (row) => time(row.at) },
    { name: "verdict", label: "Verdict", show: (row) => (row.chosen ? "trade" : "no trade") },
    { name: "best", label: "Best conversion", kind: "strong", show: ({ best }) => (best ? `${best.from} → ${best.to}` : "–") },
    { name: "gate", label: "Stopped by", show: ({ best, chosen }) => (best && !chosen ? best.gate.replace("_", " ") : "–") },
    { name: "why", label: "Why", kind: "wide", show: ({ best }) => best?.why ?? "–" },
    { name: "again", label: "Decided again", show: ({ again }) => (again.same === null ? "not known" : again.same ? "the same" : "differs") },
  ];
  return html`<${Section} name="decisions" title="Recent decisions" note="why it did not trade" twin="decisions">
    <${Answer} asked=${asked} rows=${8}>${({ decisions }) => (decisions.length ? html`<${Table} label="Decisions" columns=${columns} rows=${decisions} keyOf=${(row) => row.at} />` : html`<p class="empty">No tick yet; the first comes within a minute.</p>`)}<//>
  <//>`;
}
