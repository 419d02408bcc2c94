// Whether the bot does its work: what is wrong, its newest ticks, what was given up, what it leaves out, what is deployed.

import { DASH, decimals, money, plural, seconds, span, time } from "../format.js";
import { html } from "../html.js";
import { useAsked } from "../parts/asked.js";
import { Answer, Section, Table, Tile } from "../parts/bits.js";
import { second, status } from "../state.js";
import { useState } from "../vendor/preact-hooks.js";

export function Health() {
  const asked = useAsked("health", { every: 15 });
  return html`<h1>Health</h1>
    <${Answer} asked=${asked} rows=${40}>${(health) => html`
      <${Problems} health=${health} />
      <${Around} health=${health} />
      <${Ticks} ticks=${health.ticks} />
      <div class="rooms">
        <${Doubts} health=${health} />
        <${Guarded} />
        <${Learned} />
        <${Deployed} health=${health} />
      </div>`}<//>
    <${Cost} />`;
}

function Problems({ health: { problems } }) {
  return html`<${Section} name="problems" title="What is wrong" twin=${["health", "doctor"]}>
    ${problems.length
      ? html`<ul class="problems">${problems.map((problem) => html`<li key=${problem} class="notice bad">${problem}</li>`)}</ul>`
      : html`<p class="notice good">Nothing: ticks come, and what is looked at is well.</p>`}
  <//>`;
}

/** The same figures as the first lines of `heisenbug health`. */
function Around({ health }) {
  const { ticks, missed_ticks: missed, clients, dead_letters: letters, exchange } = health;
  const age = ticks.length ? second.value - seconds(ticks[0].at) : null;
  const quiet = exchange.quiet_until;
  return html`<${Section} name="around" title="At a glance" twin="health">
    <dl class="tiles">
      <${Tile} name="Newest tick" value=${age === null ? DASH : `${span(age)} ago`} note=${ticks.length ? `number ${ticks[0].tick}` : "none yet"} />
      <${Tile} name="Missed" value=${missed} note="ticks in the last hour" kind=${missed ? "stale" : ""} />
      <${Tile} name="Clients" value=${clients} note="connected" />
      ${letters.map(({ what, letters: count, queue }) => html`<${Tile} key=${what} name=${`Dead ${what}`} value=${count ?? DASH} note=${count === null ? "cannot be asked" : queue} kind=${count === 0 ? "" : "stale"} />`)}
      <${Tile} name="Exchange" value=${exchange.venue} note=${quiet ? `wants quiet until ${time(quiet)}` : "may be asked"} kind=${quiet ? "stale" : ""} />
    </dl>
  <//>`;
}

/** Trades whose end is not known, or not for sure. */
function Doubts({ health: { unresolved, watched } }) {
  const columns = [
    { name: "trade", label: "Failed trade", kind: "strong", show: (row) => html`<a href=${`#/trades/${row.sequence}`}>number ${row.sequence}</a>` },
    { name: "failed", label: "Failed", show: (row) => time(row.failed_at) },
    { name: "ask", label: "Asked for again", show: (row) => time(row.ask_at) },
    { name: "until", label: "Watched until", show: (row) => time(row.until) },
  ];
  return html`<${Section} name="doubts" title="Trades in doubt" twin="health">
    ${unresolved ? html`<p class="notice bad">Nobody knows the end of trade ${unresolved.id}, ${unresolved.amount} ${unresolved.from} to ${unresolved.to}: <a href="#/trades">state it on the Trades screen</a>.</p>` : null}
    ${watched.length ? html`<${Table} label="Watched trades" columns=${columns} rows=${watched} keyOf=${(row) => row.sequence} />` : null}
    ${unresolved || watched.length ? null : html`<p class="empty">None: the end of every trade is known. One that failed is asked for a day longer.</p>`}
  <//>`;
}

const FEW = 10;

function Ticks({ ticks }) {
  const [isWhole, setWhole] = useState(false);
  const slowest = Math.max(1, ...ticks.map((row) => row.after_ms));
  const columns = [
    { name: "at", label: "Due", show: (row) => time(row.at) },
    { name: "tick", label: "Number", kind: "number", show: (row) => row.tick },
    { name: "after", label: "Decided after", kind: "number", show: (row) => html`<span class="lasted" style=${{ "--part": `${(100 * row.after_ms) / slowest}%` }}>${row.after_ms.toLocaleString("en-US")} ms</span>` },
    { name: "age", label: "Price age", kind: "number", show: (row) => `${decimals(row.price_age_seconds, 1)} s` },
    { name: "equity", label: "Equity", kind: "number", show: (row) => money(row.equity) },
    { name: "sample", label: "Kept as", show: (row) => (row.is_sample ? "sample" : "tick") },
    { name: "errors", label: "Errors", kind: "wide", show: (row) => (row.errors.length ? html`<span class="bad">${plural(row.guarded, "pair")} left out: ${row.errors.join("; ")}</span>` : "none") },
  ];
  return html`<${Section} name="ticks" title="Newest ticks" note="newest first" twin=${["health", "ticks"]}>
    ${ticks.length ? html`<${Table} label="Ticks" columns=${columns} rows=${isWhole ? ticks : ticks.slice(0, FEW)} keyOf=${(row) => row.tick} />` : html`<p class="empty">No tick yet; the first comes within a minute.</p>`}
    ${ticks.length > FEW ? html`<button type="button" class="quiet" onClick=${() => setWhole(!isWhole)}>${isWhole ? "Show fewer" : `Show all ${ticks.length}`}</button>` : null}
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

function Deployed({ health: { versions, exchange } }) {
  return html`<${Section} name="deployed" title="What is deployed" twin="health">
    <dl class="facts">
      <div><dt>Package</dt><dd>${versions.package}</dd></div>
      <div><dt>Template</dt><dd>${versions.template}</dd></div>
      <div><dt>Python</dt><dd>${versions.python}</dd></div>
      <div><dt>Exchange</dt><dd>${exchange.venue} at ${exchange.address}</dd></div>
    </dl>
  <//>`;
}

const dollars = (amount) => `$${decimals(amount, 2)}`;

function Cost() {
  const asked = useAsked("cost", { every: 300 });
  const columns = [
    { name: "what", label: "What", kind: "strong", show: (line) => line.what },
    { name: "amount", label: "So far", kind: "number", show: (line) => `${Math.round(line.amount).toLocaleString("en")} ${line.unit}` },
    { name: "so_far", label: "Cost so far", kind: "number", show: (line) => dollars(line.so_far) },
    { name: "forecast", label: "Whole month", kind: "number", show: (line) => dollars(line.forecast) },
    { name: "listed", label: "At list price", kind: "number", show: (line) => dollars(line.forecast_listed) },
  ];
  return html`<${Section} name="cost" title="Cost this month" note="from counted usage, prices of us-east-1" twin="cost">
    <${Answer} asked=${asked} rows=${11}>${({ lines, so_far: now, forecast, forecast_listed: listed }) => html`
      <dl class="tiles">
        <${Tile} name="So far" value=${dollars(now)} note="beyond what is always free" />
        <${Tile} name="Whole month" value=${dollars(forecast)} note="at this pace" />
        <${Tile} name="At list price" value=${dollars(listed)} note="where nothing is free" />
      </dl>
      <${Table} label="Cost" columns=${columns} rows=${lines} keyOf=${(line) => line.name} />`}<//>
  <//>`;
}
