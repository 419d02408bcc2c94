// The bot at a glance: what it is worth, what it holds, what it did, and why it did nothing else.

import { amount, DASH, decimals, money, percent, plural, points, reason, seconds, signed, span, time, worth } from "../format.js";
import { html } from "../html.js";
import { choosePair, lateness } from "../live.js";
import { Answer, Meter, Section, Table, Tile, Twin, Waiting } from "../parts/bits.js";
import { Chart, drawEquity, drawPrices } from "../parts/chart.js";
import { useAsked } from "../parts/asked.js";
import { fresh, overview, second } from "../state.js";
import { useMemo } from "../vendor/preact-hooks.js";

const SHOWN = 10;

export function Overview() {
  const whole = overview.value;
  if (!whole) return html`<h1>Overview</h1><${Waiting} rows=${14} />`;
  return html`<h1>Overview</h1>
    <${Tiles} whole=${whole} />
    <${Why} />
    <div class="rooms">
      <${Prices} whole=${whole} />
      <${Equity} whole=${whole} />
    </div>
    <${Holdings} portfolio=${whole.portfolio} />
    <${Newest} trades=${whole.trades} />`;
}

function Tiles({ whole }) {
  const { status, performance, portfolio } = whole;
  const at = second.value;
  const isStale = lateness(status, at) > 0;
  const left = seconds(status.next_tick) - at;
  const { today } = performance;
  const change = today.change === null || !Number(today.begin) ? null : Number(today.change) / Number(today.begin);
  const held = portfolio.holdings.filter((one) => Number(one.amount) > 0);
  const most = status.max_drawdown;
  return html`<dl class=${`tiles ${isStale ? "dimmed" : ""}`}>
    <${Tile} name="Equity" value=${money(status.equity)} note=${status.base_currency} />
    <${Tile} name="Today" value=${change === null ? DASH : signed(change, percent(change))} note=${`${plural(today.trades, "trade")}, cost ${decimals(today.costs)} ${status.base_currency}`} />
    <${Tile} name="Holding" value=${mostOf(held)} note=${`of ${plural(held.length, "asset")}`} />
    <${Tile} name="Drawdown" value=${percent(status.drawdown)} note=${`of ${percent(most, 0)} at most`}><${Meter} label="Drawdown against its limit" value=${status.drawdown} most=${most} /><//>
    <${Tile} name="Window" value=${`${status.window.samples} of ${status.window.of}`} note="samples"><progress aria-label="Samples of the window" max=${status.window.of} value=${status.window.samples}></progress><//>
    <${Tile} name="Data age" kind=${isStale ? "stale" : ""} value=${status.pricedAt === null ? DASH : span(at - status.pricedAt)} note=${isStale ? "stale: checks are missing" : "fresh"} />
    <${Tile} name="Next check" value=${left > 0 ? `in ${Math.ceil(left)} s` : left > -3 ? "now" : `${span(-left)} late`} note=${`every ${status.check_interval} s`} />
  </dl>
  <${Twin} command=${["status", "performance", "watch"]} />`;
}

/** The asset that most of the worth is in, with its part. */
function mostOf(held) {
  const all = held.reduce((sum, one) => sum + (one.value ?? 0), 0);
  const [most] = held.toSorted((one, other) => (other.value ?? 0) - (one.value ?? 0));
  return most ? `${most.asset} ${all ? percent(most.value / all, 0) : ""}` : DASH;
}

/** The honest sentence: what it would do now, and what keeps it from doing it. */
function Why() {
  const asked = useAsked("opportunities?limit=1", { every: 15 });
  return html`<${Section} name="why" title="What it would do now" twin="opportunities">
    <${Answer} asked=${asked} rows=${1}>${({ opportunities }) => html`<p class="honest">${honestly(opportunities[0])}</p>`}<//>
  <//>`;
}

export function honestly(best) {
  if (!best) return "Nothing has been looked at yet; the first check comes within a minute.";
  const name = `${best.from} → ${best.to}`;
  if (best.gate === "open") return `${name}: ${best.why}.`;
  if (best.gate === "window") return `No trade yet: ${best.why}. It does not decide on less.`;
  return `No trade now; most of the time that is the honest answer, because few conversions pay their costs. The best is ${name}: ${best.why}.`;
}

function Prices({ whole }) {
  const { pair, prices, pairs, trades } = whole;
  const data = useMemo(() => priceData(pair, prices, trades), [pair, prices, trades]);
  if (!pair) return html`<${Section} name="prices" title="Prices" twin="prices"><p class="empty">There is no enabled pair: the settings screen adds one.</p><//>`;
  const choice = html`<select aria-label="Pair" value=${pair} onChange=${(event) => choosePair(event.target.value)}>
    ${pairs.map((one) => html`<option key=${one.pair} value=${one.pair}>${one.pair}</option>`)}
  </select>`;
  const last = data.prices.at(-1);
  const columns = [
    { name: "at", label: "When", show: (row) => time(row.time * 1000) },
    { name: "value", label: "Mid", kind: "number", show: (row) => amount(row.value) },
  ];
  return html`<${Section} name="prices" title="Price" note=${last ? `${amount(last.value)}; ▲ bought, ▼ sold` : "no price yet"} choice=${choice} twin=${`prices --pair ${pair}`}>
    <${Chart} label=${`Mid price of ${pair}, with its trades`} draw=${drawPrices} data=${data}>
      <${Table} label=${`Prices of ${pair}`} columns=${columns} rows=${data.prices.slice(-20).reverse()} keyOf=${(row) => row.time} />
    <//>
  <//>`;
}

function priceData(pair, prices, trades) {
  const [base, quote] = (pair ?? "-").split("-");
  const points = prices
    .filter((point) => point.quotes[pair])
    .map(({ at, quotes }) => ({ time: seconds(at), value: (Number(quotes[pair].bid) + Number(quotes[pair].ask)) / 2 }));
  const begin = points[0]?.time ?? Infinity;
  const made = trades
    .filter((trade) => trade.state === "EXECUTED" && [trade.from, trade.to].every((asset) => asset === base || asset === quote))
    .map((trade) => ({ time: seconds(trade.at), isBuy: trade.to === base }))
    .filter((trade) => trade.time >= begin)
    .reverse();
  return { prices: points, trades: made };
}

function Equity({ whole }) {
  const { equity, status } = whole;
  const data = useMemo(() => equity.map((point) => ({ time: seconds(point.at), value: Number(point.equity), drawdown: point.drawdown })), [equity]);
  const columns = [
    { name: "at", label: "When", show: (row) => time(row.time * 1000) },
    { name: "value", label: `Equity ${status.base_currency}`, kind: "number", show: (row) => money(row.value.toFixed(2)) },
    { name: "drawdown", label: "Drawdown", kind: "number", show: (row) => percent(row.drawdown) },
  ];
  return html`<${Section} name="equity" title="Equity and drawdown" note="against where the line begins" twin="equity">
    ${data.length ? null : html`<p class="empty">The line begins with the first check that knows every price.</p>`}
    <${Chart} label="Equity and drawdown over time" draw=${drawEquity} data=${data} height=${280}>
      <${Table} label="Equity" columns=${columns} rows=${data.slice(-20).reverse()} keyOf=${(row) => row.time} />
    <//>
  <//>`;
}

function Holdings({ portfolio }) {
  const { holdings, base_currency: base } = portfolio;
  const gain = (row) => (row.entry_price && row.price ? row.price / Number(row.entry_price) - 1 : null);
  const columns = [
    { name: "asset", label: "Asset", kind: "strong", show: (row) => row.asset },
    { name: "amount", label: "Amount", kind: "number", show: (row) => money(row.amount) },
    { name: "value", label: `Value ${base}`, kind: "number", show: (row) => worth(row.value, portfolio.equity) },
    { name: "entry", label: "Entry", kind: "number", show: (row) => amount(row.entry_price) },
    { name: "price", label: "Now", kind: "number", show: (row) => amount(row.price) },
    { name: "gain", label: "Since entry", kind: "number", show: (row) => (gain(row) === null ? DASH : signed(gain(row), percent(gain(row)))) },
  ];
  return html`<${Section} name="holdings" title="Holdings" twin="portfolio">
    <${Table} label="What is held" columns=${columns} rows=${holdings} keyOf=${(row) => row.asset} />
  <//>`;
}

export const tradeColumns = [
  { name: "at", label: "When", show: (trade) => time(trade.at) },
  { name: "conversion", label: "Conversion", kind: "strong", show: (trade) => html`<a href=${`#/trades/${trade.id}`}>${trade.from} → ${trade.to}</a>` },
  { name: "paid", label: "Paid", kind: "number", show: (trade) => `${money(trade.amount)} ${trade.from}` },
  { name: "received", label: "Received", kind: "number", show: (trade) => (trade.received === null ? DASH : `${money(trade.received)} ${trade.to}`) },
  { name: "confidence", label: "Confidence", kind: "number", show: (trade) => decimals(trade.confidence) },
  { name: "cost", label: "Cost", kind: "number", show: (trade) => points(trade.cost_bps) },
  { name: "state", label: "Outcome", show: (trade) => html`<span class=${trade.state === "EXECUTED" ? "" : "bad"}>${trade.state.toLowerCase()}</span>` },
  { name: "why", label: "Why", kind: "wide", show: reason },
];

function Newest({ trades }) {
  return html`<${Section} name="newest" title="Trades" twin="trades">
    ${trades.length
      ? html`<${Table} label="Newest trades" columns=${tradeColumns} rows=${trades.slice(0, SHOWN)} keyOf=${(trade) => trade.id} kindOf=${(trade) => (trade.id === fresh.value ? "fresh" : "")} />`
      : html`<p class="empty">None yet. Most markets, most of the time, give nothing to trade after costs.</p>`}
  <//>`;
}
