// Backtests of uploaded markets: begin one, see how far it is, read its report, hold two against each other.

import { call, Refusal } from "../api.js";
import { decimals, percent, plural, points, time } from "../format.js";
import { html } from "../html.js";
import { useAsked } from "../parts/asked.js";
import { Answer, Section, Table } from "../parts/bits.js";
import { isAdmin, say } from "../state.js";
import { useState } from "../vendor/preact-hooks.js";

export function Backtest() {
  const jobs = useAsked("backtests?limit=20", { every: 5 });
  const [chosen, setChosen] = useState([]);
  const choose = (id) => setChosen((before) => (before.includes(id) ? before.filter((one) => one !== id) : [...before, id].slice(-2)));
  return html`<h1>Backtest</h1>
    <${Begin} again=${jobs.again} />
    <${Jobs} jobs=${jobs} chosen=${chosen} onChoose=${choose} />
    <${Answer} asked=${jobs} rows=${1}>${({ backtests }) => html`<${Reports} chosen=${backtests.filter((job) => chosen.includes(job.id) && job.summary)} />`}<//>`;
}

function Begin({ again }) {
  const markets = useAsked("markets", { pulsing: false });
  const [told, setTold] = useState({ market: "", from: "", to: "", set: "", fill: "next_sample" });
  const [error, setError] = useState("");
  const type = (name) => (event) => setTold({ ...told, [name]: event.target.value });
  const begin = async (event) => {
    event.preventDefault();
    try {
      const { market, from, to, fill } = told;
      const job = await call("POST", "backtests", { market: market || markets.data.markets[0], from, to, fill, set: settingsOf(told.set) });
      setError("");
      say(`Backtest ${job.id} has begun.`, "good");
      again();
    } catch (refused) {
      if (!(refused instanceof Refusal)) throw refused;
      setError(refused.message);
    }
  };
  return html`<${Section} name="begin" title="Run one" twin=${["backtest --remote NAME", "markets"]}>
    <${Answer} asked=${markets} rows=${1}>${({ markets: names }) => names.length
      ? html`<form class="controls" onSubmit=${begin} novalidate>
          <label>Market <select value=${told.market} onChange=${type("market")}>${names.map((name) => html`<option key=${name} value=${name}>${name}</option>`)}</select></label>
          <label>From <input value=${told.from} placeholder="2025-05-10" onInput=${type("from")} /></label>
          <label>To <input value=${told.to} placeholder="the end" onInput=${type("to")} /></label>
          <label>Settings <input size="30" value=${told.set} placeholder="risk_tolerance=0.4 horizon=15" onInput=${type("set")} /></label>
          <label>Filled <select value=${told.fill} onChange=${type("fill")}><option value="next_sample">at the next sample</option><option value="same_quote">at the quote it saw</option></select></label>
          <button type="submit" class="main" disabled=${!isAdmin.value}>Run it</button>
        </form>`
      : html`<p class="empty">No market was uploaded yet: <code>heisenbug market upload FILE</code> does it.</p>`}<//>
    ${error ? html`<p class="bad" role="alert">${error}</p>` : null}
  <//>`;
}

/** NAME=VALUE each, as on the command line. */
function settingsOf(text) {
  return Object.fromEntries(text.trim().split(/\s+/).filter(Boolean).map((one) => {
    const [name, ...rest] = one.split("=");
    const value = rest.join("=");
    try {
      return [name, JSON.parse(value)];
    } catch {
      return [name, value];
    }
  }));
}

function Jobs({ jobs, chosen, onChoose }) {
  const columns = [
    { name: "choose", label: "Show", show: (job) => html`<input type="checkbox" aria-label=${`Show ${job.id}`} checked=${chosen.includes(job.id)} disabled=${!job.summary} onChange=${() => onChoose(job.id)} />` },
    { name: "at", label: "Asked", show: (job) => time(job.at) },
    { name: "market", label: "Market", kind: "strong", show: (job) => job.asked.market },
    { name: "set", label: "Settings", kind: "wide", show: (job) => Object.entries(job.asked.set ?? {}).map(([name, value]) => `${name}=${value}`).join(" ") || "defaults" },
    { name: "state", label: "State", show: (job) => html`${job.state} ${job.state === "running" ? html`<progress aria-label="Progress" max="1" value=${job.progress}></progress>` : (job.reason ?? "")}` },
    { name: "gain", label: "Equity grew", kind: "number", show: ({ summary }) => (summary ? percent(summary.final / summary.start - 1) : "–") },
    { name: "trades", label: "Trades", kind: "number", show: ({ summary }) => summary?.trades ?? "–" },
  ];
  return html`<${Section} name="jobs" title="Backtests" note="choose one, or two to compare" twin="backtest --remote NAME">
    <${Answer} asked=${jobs} rows=${1}>${({ backtests }) => (backtests.length ? html`<${Table} label="Backtests" columns=${columns} rows=${backtests} keyOf=${(job) => job.id} />` : html`<p class="empty">None in the last 30 days.</p>`)}<//>
  <//>`;
}

const FIGURES = [
  ["Market", (s) => s.market],
  ["Data", (s) => `${s.begin} to ${s.end}`],
  ["Samples", (s) => s.samples],
  ["Fill rule", (s) => s.fill],
  ["Equity grew", (s) => percent(s.final / s.start - 1)],
  ["Holding grew", (s) => percent(s.holding)],
  ["Doing nothing grew", (s) => percent(s.nothing)],
  ["Drawdown", (s) => percent(s.drawdown)],
  ["Drawdown of holding", (s) => percent(s.holding_drawdown)],
  ["Trades", (s) => s.trades],
  ["Costs", (s) => `${decimals(s.costs)} ${s.base} (${points(s.costs_bps)})`],
  ["Claimed confidence", (s) => decimals(s.claimed, 3)],
  ["Came true", (s) => `${decimals(s.realised, 3)} of ${s.judged}`],
  ["Brier, against zero drift", (s) => (s.claims ? `${decimals(s.claims.measured.brier, 4)} against ${decimals(s.claims.baseline.brier, 4)}` : "–")],
  ["Log-loss, against zero drift", (s) => (s.claims ? `${decimals(s.claims.measured.log_loss, 4)} against ${decimals(s.claims.baseline.log_loss, 4)}` : "–")],
  ["Stopped by", (s) => Object.entries(s.gates ?? {}).map(([gate, count]) => `${gate} ${count.toLocaleString("en-US")}`).join(", ")],
  ["Closest", (s) => s.closest?.why ?? "–"],
];

function Reports({ chosen }) {
  if (!chosen.length) return null;
  return html`<${Section} name="report" title=${chosen.length > 1 ? "Two held against each other" : "Report"} twin=${`backtest --remote ${chosen[0].asked.market}`}>
    <div class="scroll" role="region" aria-label="Figures" tabindex="0"><table class="figures">
      <thead><tr><th scope="col">Figure</th>${chosen.map((job) => html`<th key=${job.id} scope="col">${time(job.at)}</th>`)}</tr></thead>
      <tbody>${FIGURES.map(([name, show]) => html`<tr key=${name}><th scope="row">${name}</th>${chosen.map((job) => html`<td key=${job.id}>${show(job.summary)}</td>`)}</tr>`)}</tbody>
    </table></div>
    ${chosen.map((job) => html`<${Reliability} key=${job.id} claims=${job.summary.claims} name=${time(job.at)} />`)}
  <//>`;
}

/** Claimed against realised: on the line, the confidence means what it says; a dot's size is how often it was said. */
function Reliability({ claims, name }) {
  if (!claims) return null;
  const most = Math.max(...claims.bins.map((bin) => bin.count));
  const dots = claims.bins.filter((bin) => bin.count).map((bin) => ({ ...bin, size: 2 + 6 * Math.sqrt(bin.count / most) }));
  const words = dots.map((bin) => `said ${percent(bin.claimed, 0)}: came true ${percent(bin.realised, 0)} of ${plural(bin.count, "time")}`).join("; ");
  return html`<figure class="reliability">
    <figcaption>Reliability ${name}: calibration error ${decimals(claims.calibration_error, 4)}</figcaption>
    <svg viewBox="0 0 220 220" role="img" aria-label=${words}>
      <path class="frame" d="M20 10V200H210" /><path class="ideal" d="M20 200L210 10" />
      ${dots.map((bin) => html`<circle key=${bin.low} cx=${20 + 190 * bin.claimed} cy=${200 - 190 * bin.realised} r=${bin.size} />`)}
      <text x="115" y="216">claimed</text><text x="-105" y="12" transform="rotate(-90)">came true</text>
    </svg>
    <details><summary>The same in words</summary><p>${words}.</p></details>
  </figure>`;
}
