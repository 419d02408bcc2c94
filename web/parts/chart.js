// A chart and, beneath it, the same numbers as a table; drawn by the vendored library, in the page's own colours.

import { html } from "../html.js";
import { preferences } from "../state.js";
import { useEffect, useRef } from "../vendor/preact-hooks.js";

/**
 * `draw(chart, colours)` makes the series and answers a function that gives them new `data`; `rows` and `columns` are
 * the table. Without the library the table alone is there.
 */
export function Chart({ label, draw, data, height = 280, children }) {
  const place = useRef(null);
  const feed = useRef(null);
  const { theme, utc } = preferences.value;
  useEffect(() => {
    if (!globalThis.LightweightCharts) return undefined;
    const colours = coloursOf(place.current);
    const chart = globalThis.LightweightCharts.createChart(place.current, options(colours, utc));
    feed.current = draw(chart, colours);
    feed.current(data);
    chart.timeScale().fitContent();
    return () => {
      feed.current = null;
      chart.remove();
    };
  }, [theme, utc]);
  useEffect(() => feed.current?.(data), [data]);
  return html`<figure>
    <div class="chart" ref=${place} role="img" aria-label=${label} style=${{ height: `${height}px` }}></div>
    <details><summary>The same as a table</summary>${children}</details>
  </figure>`;
}

const NAMES = ["text", "soft", "line", "good", "bad", "main", "other", "card"];

/** The page's colours as the theme resolves them, which only an element knows. */
function coloursOf(place) {
  const probe = document.createElement("span");
  place.append(probe);
  const found = NAMES.map((name) => {
    probe.style.color = `var(--${name})`;
    return [name, getComputedStyle(probe).color];
  });
  probe.remove();
  return Object.fromEntries(found);
}

const faded = (colour, part) => colour.replace(/^rgba?\(([^,]+,[^,]+,[^,)]+).*$/, `rgba($1, ${part})`);

function options(colours, utc) {
  const zone = utc ? { timeZone: "UTC" } : {};
  const clock = (at) => new Date(at * 1000).toLocaleTimeString([], { ...zone, hour: "2-digit", minute: "2-digit", hour12: false });
  return {
    autoSize: true,
    layout: { background: { color: "transparent" }, textColor: colours.soft, attributionLogo: false, fontFamily: "system-ui, sans-serif" },
    grid: { vertLines: { visible: false }, horzLines: { color: faded(colours.line, 0.6) } },
    rightPriceScale: { borderVisible: false },
    timeScale: { borderVisible: false, timeVisible: true, tickMarkFormatter: clock },
    localization: { timeFormatter: (at) => new Date(at * 1000).toLocaleString([], { ...zone, hour12: false }) },
    handleScroll: { vertTouchDrag: false },
  };
}

/** Points with a time each, one a second, rising: what the library takes. */
export function rising(points) {
  const kept = [];
  for (const point of points) {
    const last = kept.at(-1);
    if (!last || point.time > last.time) kept.push(point);
    else if (point.time === last.time) kept[kept.length - 1] = point;
  }
  return kept;
}

export function drawPrices(chart, colours) {
  const { AreaSeries, createSeriesMarkers } = globalThis.LightweightCharts;
  const line = chart.addSeries(AreaSeries, { lineColor: colours.main, topColor: faded(colours.main, 0.25), bottomColor: faded(colours.main, 0), lineWidth: 2 });
  const markers = createSeriesMarkers(line, []);
  return ({ prices, trades }) => {
    const points = rising(prices);
    const largest = points.at(-1)?.value ?? 1;
    line.applyOptions({ priceFormat: { type: "price", precision: largest < 10 ? 5 : 2, minMove: largest < 10 ? 0.00001 : 0.01 } });
    line.setData(points);
    markers.setMarkers(trades.map((trade) => markerOf(trade, colours)));
  };
}

const markerOf = ({ time, isBuy }, colours) =>
  isBuy ? { time, position: "belowBar", shape: "arrowUp", color: colours.good } : { time, position: "aboveBar", shape: "arrowDown", color: colours.bad };

export function drawEquity(chart, colours) {
  const { BaselineSeries, HistogramSeries } = globalThis.LightweightCharts;
  const worth = chart.addSeries(BaselineSeries, {
    topLineColor: colours.good,
    topFillColor1: faded(colours.good, 0.25),
    topFillColor2: faded(colours.good, 0.02),
    bottomLineColor: colours.bad,
    bottomFillColor1: faded(colours.bad, 0.02),
    bottomFillColor2: faded(colours.bad, 0.25),
    lineWidth: 2,
  });
  const under = chart.addSeries(HistogramSeries, { color: faded(colours.bad, 0.6), priceFormat: { type: "custom", formatter: (value) => `${value.toFixed(2)} %` } }, 1);
  chart.panes()[1]?.setHeight(70);
  return (points) => {
    const kept = rising(points);
    worth.applyOptions({ baseValue: { type: "price", price: kept[0]?.value ?? 0 } });
    worth.setData(kept.map(({ time, value }) => ({ time, value })));
    under.setData(kept.map(({ time, drawdown }) => ({ time, value: -100 * drawdown })));
  };
}

const asPercent = { type: "custom", minMove: 0.01, formatter: (value) => `${value.toFixed(2)} %` };

/** Runs laid over each other, each { worth, fall } as points in percent, and below how far each was under its peak. */
export function drawRuns(chart, colours) {
  const { LineSeries, LineStyle } = globalThis.LightweightCharts;
  const looks = { first: { color: colours.main, lineStyle: LineStyle.Solid }, second: { color: colours.other, lineStyle: LineStyle.Dashed }, holding: { color: colours.soft, lineStyle: LineStyle.Dotted } };
  const lines = Object.entries(looks).map(([name, look]) => {
    const options = { ...look, lineWidth: 2, priceFormat: asPercent, lastValueVisible: false, priceLineVisible: false };
    return { name, worth: chart.addSeries(LineSeries, options), fall: chart.addSeries(LineSeries, options, 1) };
  });
  chart.panes()[1]?.setHeight(90);
  return (runs) => {
    for (const { name, worth, fall } of lines) {
      worth.setData(runs[name]?.worth ?? []);
      fall.setData(runs[name]?.fall ?? []);
    }
  };
}
