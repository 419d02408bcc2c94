// What backtests found: one read, or two held against each other, in curves and in figures.

import { DASH, decimals, percent, plural, points, seconds, signed, time } from "../format.js";
import { html } from "../html.js";
import { useAsked } from "../parts/asked.js";
import { Failure, Section, Table, Waiting } from "../parts/bits.js";
import { Chart, drawRuns } from "../parts/chart.js";
import { useMemo } from "../vendor/preact-hooks.js";

const LETTERS = ["A", "B"];
const TABLE_ROWS = 20;

export const settingsText = ({ asked }) => Object.entries(asked.set ?? {}).map(([name, value]) => `${name}=${typeof value === "object" ? JSON.stringify(value) : value}`).join(" ") || "defaults";

/** How often is said and how often it came true; nothing where nothing can be judged. */
const came = (s) => (s.judged ? `${percent(s.realised, 0)} of ${s.judged}, claimed ${percent(s.claimed, 0)}` : "nothing to judge");
const against = (s, name) => (s.claims ? `${decimals(s.claims.measured[name], 4)} against ${decimals(s.claims.baseline[name], 4)}` : DASH);
const worth = (number, base) => `${number.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 })} ${base}`;

const FIGURES = [
  ["Market", ({ summary: s }) => `${s.market}, ${plural(s.samples, "sample")}`],
  ["Time", ({ summary: s }) => `${s.begin} to ${s.end}`],
  ["Settings", settingsText],
  ["Filled", ({ summary: s }) => s.fill.replace("_", " ")],
  ["Equity", ({ summary: s }) => html`${signed(s.gain, percent(s.gain))} to ${worth(s.final, s.base)}`],
  ["Holding instead", ({ summary: s }) => signed(s.holding, percent(s.holding))],
  ["Doing nothing", ({ summary: s }) => signed(s.nothing, percent(s.nothing))],
  ["Deepest drawdown", ({ summary: s }) => `${percent(s.drawdown)}; holding ${percent(s.holding_drawdown)}`],
  ["Trades", ({ summary: s }) => s.trades.toLocaleString("en-US")],
  ["Costs paid", ({ summary: s }) => `${worth(s.costs, s.base)} (${points(s.costs_bps)})`],
  ["Confidence came true", ({ summary: s }) => came(s)],
  ["Brier, against zero drift", ({ summary: s }) => against(s, "brier")],
  ["Log-loss, against zero drift", ({ summary: s }) => against(s, "log_loss")],
  ["Killed", ({ summary: s }) => s.killed || "no"],
  ["Stopped first by", ({ summary: s }) => Object.entries(s.gates ?? {}).map(([gate, count]) => `${gate.replace("_", " ")} ${count.toLocaleString("en-US")}`).join(", ")],
  ["Closest to a trade", ({ summary: s }) => s.closest?.why ?? DASH],
];

/** One report, or two beside each other. */
export function Reports({ chosen }) {
  if (!chosen.length) return null;
  const isPair = chosen.length > 1;
  const { market } = chosen[0].asked;
  return html`<${Section} name="report" title=${isPair ? "Two held against each other" : "Report"} twin=${[`backtest --remote ${market}`, "backtest --report FILE"]}>
    ${chosen.map((job, place) => html`<p key=${job.id} class="honest">${isPair ? html`<${Letter} place=${place} /> ` : null}${job.summary.headline}.</p>`)}
    <div class="curves"><${Curves} chosen=${chosen} /></div>
    <${Figures} chosen=${chosen} />
    <div class="beside">${chosen.map((job, place) => html`<${Reliability} key=${job.id} claims=${job.summary.claims} name=${isPair ? LETTERS[place] : ""} />`)}</div>
  <//>`;
}

const Letter = ({ place }) => html`<span class=${`letter run-${place}`}>${LETTERS[place]}</span>`;

function Figures({ chosen }) {
  const isPair = chosen.length > 1;
  const rows = FIGURES.map(([name, show]) => ({ name, told: chosen.map(show) }));
  return html`<div class="scroll" role="region" aria-label="Figures" tabindex="0"><table class="figures">
    ${isPair ? html`<thead><tr><th scope="col">Figure</th>${chosen.map((job, place) => html`<th key=${job.id} scope="col"><${Letter} place=${place} /></th>`)}</tr></thead>` : null}
    <tbody>${rows.map(({ name, told }) => html`<tr key=${name}><th scope="row">${name}</th>${told.map((value, place) => html`<td key=${chosen[place].id}>${value}</td>`)}</tr>`)}</tbody>
  </table></div>`;
}

// ------------------------------------------------------------------- curves

/** Laid over each other where they share a time, else beside each other. */
function Curves({ chosen }) {
  const asked = [0, 1].map((place) => useAsked(chosen[place] ? `backtests/${encodeURIComponent(chosen[place].id)}/curves` : "", { pulsing: false })).slice(0, chosen.length);
  const failed = asked.find(({ error }) => error);
  if (failed) return html`<${Failure} ...${failed} />`;
  if (asked.some(({ data }) => !data)) return html`<${Waiting} rows=${10} />`;
  const runs = asked.map(({ data }) => data);
  if (runs.length === 1 || overlap(...chosen)) return html`<${Drawing} key=${chosen.map(({ id }) => id).join()} chosen=${chosen} runs=${runs} />`;
  return html`<div class="beside">${runs.map((run, place) => html`<${Drawing} key=${chosen[place].id} chosen=${[chosen[place]]} runs=${[run]} name=${LETTERS[place]} />`)}</div>`;
}

/** The settings of one that the other does not have, for a line's name. */
function ownOf(one, other) {
  const theirs = settingsText(other).split(" ");
  return settingsText(one).split(" ").filter((word) => !theirs.includes(word)).join(" ") || `filled at the ${one.summary.fill.replace("_", " ")}`;
}

const overlap = ({ summary: one }, { summary: other }) => one.market === other.market && one.begin <= other.end && other.begin <= one.end;

function Drawing({ chosen, runs, name = "" }) {
  const data = useMemo(() => ({ first: lineOf(runs[0], "equity", "drawdown"), second: runs[1] && lineOf(runs[1], "equity", "drawdown"), holding: lineOf(runs[0], "holding", "holding_drawdown") }), [runs[0], runs[1]]);
  const shown = [
    { kind: "run-0", line: data.first, words: runs[1] ? `A: ${ownOf(...chosen)}` : name || "the bot" },
    ...(data.second ? [{ kind: "run-1", line: data.second, words: `B: ${ownOf(...chosen.toReversed())}` }] : []),
    { kind: "run-holding", line: data.holding, words: "holding" },
  ];
  const label = `Growth of equity in percent and, beneath, how far it was under its peak: ${shown.map(({ words }) => words).join(", ")}`;
  const columns = [
    { name: "time", label: "When", show: (row) => time(row.time * 1000) },
    ...shown.map(({ kind, words, line }) => ({ name: kind, label: words, kind: "number", show: (row) => grewTo(line.worth, row.time) })),
  ];
  const step = Math.max(1, Math.ceil(data.first.worth.length / TABLE_ROWS));
  return html`<div>
    <ul class="legend">${shown.map(({ kind, words }) => html`<li key=${kind}><span class=${`swatch ${kind}`} aria-hidden="true"></span>${words}</li>`)}</ul>
    <${Chart} label=${label} draw=${drawRuns} data=${data} height=${340}>
      <${Table} label="Growth" columns=${columns} rows=${data.first.worth.filter((_, place) => place % step === 0)} keyOf=${(row) => row.time} />
    <//>
  </div>`;
}

/** A run's curve as the library takes it: percent grown since the start, and percent under the peak; gaps stay gaps. */
function lineOf(run, worth, fall) {
  const start = run.nothing[0];
  const at = run.at.map(seconds);
  const point = (value, place) => (value === null ? { time: at[place] } : { time: at[place], value });
  return {
    worth: run[worth].map((value, place) => point(value === null ? null : 100 * (value / start - 1), place)),
    fall: run[fall].map((value, place) => point(value === null ? null : -100 * value, place)),
  };
}

function grewTo(line, at) {
  const value = line.findLast((point) => point.time <= at)?.value;
  return value === undefined ? DASH : `${value.toFixed(2)} %`;
}

// -------------------------------------------------------------- reliability

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
