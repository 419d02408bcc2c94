// Backtests of uploaded markets: begin one, see how far it is, choose one to read or two to hold against each other.

import { call } from "../api.js";
import { percent, signed, time } from "../format.js";
import { html } from "../html.js";
import { useAsked } from "../parts/asked.js";
import { Answer, Section, Table } from "../parts/bits.js";
import { attempt, Entry, settingsOf } from "../parts/entry.js";
import { isAdmin, say } from "../state.js";
import { useEffect, useState } from "../vendor/preact-hooks.js";
import { Reports, settingsText } from "./report.js";

const ENDED = ["done", "failed"];
const AT_WORK = 2; // seconds between looks while one is under way
const AT_REST = 30;

export function Backtest() {
  const [every, setEvery] = useState(AT_REST);
  const jobs = useAsked("backtests?limit=20", { every });
  const [chosen, setChosen] = useState([]);
  const choose = (id) => setChosen((before) => (before.includes(id) ? before.filter((one) => one !== id) : [...before, id].slice(-2)));
  const known = jobs.data?.backtests ?? [];
  const isAtWork = known.some((job) => !ENDED.includes(job.state));
  useEffect(() => setEvery(isAtWork ? AT_WORK : AT_REST), [isAtWork]);
  return html`<h1>Backtest</h1>
    <${Begin} again=${jobs.again} />
    <${Jobs} jobs=${jobs} chosen=${chosen} onChoose=${choose} />
    <${Reports} chosen=${chosen.map((id) => known.find((job) => job.id === id)).filter((job) => job?.summary)} />`;
}

const FILLS = { next_sample: "at the next sample", same_quote: "at the quote it saw" };
const FIELDS = ["market", "from", "to", "fill"];

function Begin({ again }) {
  const markets = useAsked("markets", { pulsing: false });
  const [told, setTold] = useState({ market: "", from: "", to: "", set: "", fill: "next_sample" });
  const [errors, setErrors] = useState({});
  const type = (name) => ({ name, value: told[name], error: errors[name], onType: (event) => setTold({ ...told, [name]: event.target.value }) });
  const begin = async (event) => {
    event.preventDefault();
    const { market, set, ...rest } = told;
    const wish = { ...rest, market: market || markets.data.markets[0], set: settingsOf(set) };
    const job = await attempt(() => call("POST", "backtests", wish), FIELDS, setErrors);
    if (!job) return;
    say(`Backtest ${job.id} has begun.`, "good");
    again();
  };
  return html`<${Section} name="begin" title="Run one" twin=${["backtest --remote NAME", "markets"]}>
    <${Answer} asked=${markets} rows=${2}>${({ markets: names }) => names.length
      ? html`<form class="entries" onSubmit=${begin} novalidate>
          <${Entry} label="Market" ...${type("market")} value=${told.market || names[0]}>${names.map((name) => html`<option key=${name} value=${name}>${name}</option>`)}<//>
          <${Entry} label="From" placeholder="the beginning" ...${type("from")} />
          <${Entry} label="To" placeholder="the end" ...${type("to")} />
          <${Entry} label="Filled" ...${type("fill")}>${Object.entries(FILLS).map(([name, words]) => html`<option key=${name} value=${name}>${words}</option>`)}<//>
          <${Entry} label="Settings" kind="long" placeholder="risk_tolerance=0.4 horizon=15" ...${type("set")} error=${errors.rest} />
          <button type="submit" class="main" disabled=${!isAdmin.value}>Run it</button>
        </form>`
      : html`<p class="empty">No market was uploaded yet: <code>heisenbug market upload FILE</code> does it.</p>`}<//>
  <//>`;
}

function Jobs({ jobs, chosen, onChoose }) {
  const columns = [
    { name: "choose", label: "Show", show: (job) => html`<input type="checkbox" aria-label=${`Show ${job.id}`} checked=${chosen.includes(job.id)} disabled=${!job.summary} onChange=${() => onChoose(job.id)} />` },
    { name: "at", label: "Asked", show: (job) => time(job.at) },
    { name: "market", label: "Market", kind: "strong", show: (job) => job.asked.market },
    { name: "set", label: "Settings", kind: "wide", show: settingsText },
    { name: "state", label: "State", show: (job) => html`<${State} job=${job} />` },
    { name: "gain", label: "Equity", kind: "number", show: ({ summary }) => (summary ? signed(summary.gain, percent(summary.gain)) : "–") },
    { name: "trades", label: "Trades", kind: "number", show: ({ summary }) => summary?.trades.toLocaleString("en-US") ?? "–" },
  ];
  return html`<${Section} name="jobs" title="Backtests" note="tick one to read it, two to compare" twin="backtest --remote NAME">
    <${Answer} asked=${jobs} rows=${1}>${({ backtests }) => (backtests.length ? html`<${Table} label="Backtests" columns=${columns} rows=${backtests} keyOf=${(job) => job.id} />` : html`<p class="empty">None in the last 30 days.</p>`)}<//>
  <//>`;
}

function State({ job: { state, progress, reason } }) {
  if (state === "running") return html`<span class="running"><progress aria-label="Progress" max="1" value=${progress}></progress> ${percent(progress, 0)}</span>`;
  return state === "failed" ? html`<span class="bad">failed: ${reason}</span>` : state;
}
