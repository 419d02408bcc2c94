// Whether the bot does its work: its newest ticks, what is wrong, and what it leaves out.

import { decimals, money, plural, span, time } from "../format.js";
import { html } from "../html.js";
import { useAsked } from "../parts/asked.js";
import { Answer, Section, Table, Tile } from "../parts/bits.js";
import { status } from "../state.js";

export function Health() {
  return html`<h1>Health</h1><${Problems} /><${Ticks} /><${Guarded} /><${Learned} />`;
}

function Problems() {
  const asked = useAsked("health", { every: 15 });
  return html`<${Section} name="problems" title="What is wrong" twin=${["health", "doctor"]}>
    <${Answer} asked=${asked} rows=${1}>${({ problems, last_tick_age_seconds: age }) => html`
      ${problems.length
        ? html`<ul class="problems">${problems.map((problem) => html`<li key=${problem} class="notice bad">${problem}</li>`)}</ul>`
        : html`<p class="notice good">Nothing. The newest tick was ${age === null ? "never" : `${span(age)} ago`}.</p>`}`}<//>
  <//>`;
}

function Ticks() {
  const asked = useAsked("ticks", { every: 15 });
  const columns = [
    { name: "at", label: "Due", show: (row) => time(row.at) },
    { name: "tick", label: "Number", kind: "number", show: (row) => row.tick },
    { name: "after", label: "Decided after", kind: "number", show: (row) => `${row.after_ms} ms` },
    { name: "age", label: "Price age", kind: "number", show: (row) => `${decimals(row.price_age_seconds, 1)} s` },
    { name: "equity", label: "Equity", kind: "number", show: (row) => money(row.equity) },
    { name: "guarded", label: "Guarded", kind: "number", show: (row) => row.guarded },
    { name: "sample", label: "Kept as", show: (row) => (row.is_sample ? "sample" : "tick") },
  ];
  return html`<${Section} name="ticks" title="Newest ticks" twin="ticks">
    <${Answer} asked=${asked} rows=${20}>${({ ticks, missed_ticks: missed }) => html`
      <dl class="tiles"><${Tile} name="Missed in the last hour" value=${missed} note=${plural(missed, "tick")} kind=${missed ? "stale" : ""} /></dl>
      ${ticks.length ? html`<${Table} label="Ticks" columns=${columns} rows=${ticks} keyOf=${(row) => row.tick} />` : html`<p class="empty">No tick yet; the first comes within a minute.</p>`}`}<//>
  <//>`;
}

function Guarded() {
  const rows = Object.entries(status.value?.guarded ?? {}).map(([pair, { reason, since }]) => ({ pair, reason, since }));
  const columns = [
    { name: "pair", label: "Pair", kind: "strong", show: (row) => row.pair },
    { name: "reason", label: "Reason", kind: "wide", show: (row) => row.reason },
    { name: "since", label: "Since", show: (row) => time(row.since) },
  ];
  return html`<${Section} name="guarded" title="Guarded pairs" note="their prices are not believed" twin="status">
    ${rows.length ? html`<${Table} label="Guarded pairs" columns=${columns} rows=${rows} keyOf=${(row) => row.pair} />` : html`<p class="empty">None: every price is believed.</p>`}
  <//>`;
}

function Learned() {
  const refit = status.value?.refit;
  return html`<${Section} name="learned" title="Daily refit" twin="status">
    ${refit ? html`<p>${time(refit.at)}: ${refit.outcome}. ${refit.why}</p>` : html`<p class="empty">None yet; it is tried once a day.</p>`}
  <//>`;
}
