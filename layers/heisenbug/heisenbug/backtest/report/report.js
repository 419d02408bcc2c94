"use strict";

(() => {
  const { createChart, createSeriesMarkers, BaselineSeries, LineSeries, LineStyle } = window.LightweightCharts;
  const data = JSON.parse(document.getElementById("data").textContent);
  const place = document.getElementById("chart");
  const legend = document.getElementById("legend");
  const names = { equity: "This bot", holding: "Holding", nothing: "Doing nothing" };
  const money = new Intl.NumberFormat("en-GB", { minimumFractionDigits: data.digits, maximumFractionDigits: data.digits });
  const worth = { type: "custom", minMove: 10 ** -data.digits, formatter: (value) => money.format(value) };
  const fall = { type: "custom", minMove: 0.01, formatter: (value) => `${value === 0 ? "" : "\u2212"}${Math.abs(value).toFixed(2)}%` };
  const moment = (time) => new Date(time * 1000).toISOString().slice(0, 16).replace("T", " ");

  // Days carry their month, so that a range within one month says which.
  function tick(time, kind) {
    const { Year, Month, DayOfMonth } = window.LightweightCharts.TickMarkType;
    const parts = { [Year]: { year: "numeric" }, [Month]: { month: "short" }, [DayOfMonth]: { day: "numeric", month: "short" } };
    const shown = parts[kind] ?? { hour: "2-digit", minute: "2-digit" };
    return new Date(time * 1000).toLocaleString("en-GB", { timeZone: "UTC", ...shown });
  }

  // A canvas knows no variables: an element is asked what a colour is under the theme of the moment.
  function colour(name, alpha = 1) {
    const probe = document.body.appendChild(document.createElement("i"));
    probe.style.color = `var(--${name})`;
    const [red, green, blue] = getComputedStyle(probe).color.match(/[\d.]+/g);
    probe.remove();
    return `rgba(${red}, ${green}, ${blue}, ${alpha})`;
  }

  const chart = createChart(place, {
    autoSize: true,
    layout: { attributionLogo: false, fontFamily: getComputedStyle(document.body).fontFamily, panes: { enableResize: false } },
    localization: { locale: "en-GB", timeFormatter: (time) => `${moment(time)} UTC` },
    timeScale: {
      timeVisible: true,
      minBarSpacing: 0.01,
      fixLeftEdge: true,
      fixRightEdge: true,
      lockVisibleTimeRangeOnResize: true,
      tickMarkFormatter: tick,
    },
    rightPriceScale: { borderVisible: false },
    handleScroll: { mouseWheel: false, vertTouchDrag: false },
    handleScale: { mouseWheel: false },
  });

  function points(values) {
    return data.at.map((time, row) => (values[row] === null ? { time } : { time, value: values[row] }));
  }

  const plain = { priceLineVisible: false, lastValueVisible: false, crosshairMarkerRadius: 3, lineWidth: 2 };
  const series = {
    nothing: chart.addSeries(LineSeries, { ...plain, priceFormat: worth, lineWidth: 1, lineStyle: LineStyle.Dashed }, 0),
    holding: chart.addSeries(LineSeries, { ...plain, priceFormat: worth }, 0),
    equity: chart.addSeries(LineSeries, { ...plain, priceFormat: worth }, 0),
    holding_fall: chart.addSeries(LineSeries, { ...plain, priceFormat: fall, lineWidth: 1 }, 1),
    equity_fall: chart.addSeries(BaselineSeries, { ...plain, priceFormat: fall, lineWidth: 1, baseValue: { type: "price", price: 0 } }, 1),
  };
  for (const [name, one] of Object.entries(series)) one.setData(points(data[name]));
  const marks = createSeriesMarkers(series.equity, []);
  chart.panes()[0].setStretchFactor(5);
  chart.panes()[1].setStretchFactor(2);

  function paint() {
    const crossing = { color: colour("third"), labelBackgroundColor: colour("third") };
    chart.applyOptions({
      layout: {
        background: { color: "transparent" },
        textColor: colour("soft"),
        panes: { separatorColor: colour("line") },
      },
      grid: { vertLines: { visible: false }, horzLines: { color: colour("line", 0.6) } },
      timeScale: { borderColor: colour("line") },
      crosshair: { vertLine: crossing, horzLine: crossing },
    });
    series.nothing.applyOptions({ color: colour("third") });
    series.holding.applyOptions({ color: colour("other") });
    series.equity.applyOptions({ color: colour("main") });
    series.holding_fall.applyOptions({ color: colour("other") });
    series.equity_fall.applyOptions({
      topLineColor: colour("main"),
      bottomLineColor: colour("main"),
      bottomFillColor1: colour("main", 0.12),
      bottomFillColor2: colour("main", 0.3),
    });
    marks.setMarkers(data.marked.map((row) => ({ time: data.at[row], position: "inBar", shape: "circle", size: 0.4, color: colour("main") })));
  }

  function tell(row) {
    const words = Object.entries(names).map(([name, text]) => {
      const value = data[name][row];
      return [name, value === null ? `${text} unknown` : `${text} ${money.format(value)} ${data.base}`];
    });
    legend.replaceChildren(...[...words, ["moment", `${moment(data.at[row])} UTC`]].map(([kind, text]) => {
      const span = document.createElement("span");
      span.className = kind;
      span.textContent = text;
      return span;
    }));
  }

  const rows = new Map(data.at.map((time, row) => [time, row]));
  chart.subscribeCrosshairMove((event) => tell(rows.get(event.time) ?? data.at.length - 1));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
  paint();
  tell(data.at.length - 1);
  chart.timeScale().fitContent();
})();
