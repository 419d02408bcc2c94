// The page: asks the API how the bot is, listens to what it pushes, and shows both as they are.
// Every address is relative, because on a laptop the page lives under a path.

const PING_SECONDS = 300;
const POLL_SECONDS = 15;
const DECISION_SECONDS = 15;
const LONGEST_WAIT_SECONDS = 60;
const PATIENCE_SECONDS = 3;
const SILENCE_SECONDS = PING_SECONDS + 30; // a ping is always answered
const SAID_SECONDS = 20;
const SHOWN_TRADES = 10;
const SHOWN_CONVERSIONS = 8;

const page = Object.fromEntries([...document.querySelectorAll("[id]")].map((found) => [found.id, found]));

let token = "";
let bot = null; // the newest status, moved on by what is pushed
let trades = [];
let told = new Set(); // trades already shown, by id and what became of them
let seen = {}; // the newest `seq` of each kind
let clockAhead = 0; // seconds that the server's clock is ahead of this one
let socket = null;
let heardAt = 0;
let failures = 0;
let retryAt = 0;
let decidedAt = 0;
let polledAt = 0;
let refreshing = null;
let saying = 0;

// ------------------------------------------------------------------- talking

class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function call(method, path, body) {
  const options = { method, headers: { Authorization: `Bearer ${token}` }, cache: "no-store" };
  if (body) options.body = JSON.stringify(body);
  let answer;
  try {
    answer = await fetch(`api/${path}`, options);
  } catch {
    throw new Refusal(0, "The API does not answer. The bot does not need this page and may be fine; look at your connection.");
  }
  setClock(answer.headers.get("Date"));
  const content = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refusal(answer.status, words(answer.status, content));
  return content;
}

function words(status, content) {
  if (content.error) return content.error.message;
  if (status === 401 || status === 403) return `The API refuses this token (${status}). It may be mistyped, or another deployment's; get it again and try once more.`;
  if (status === 429) return "The API is asked too often (429); it answers again in a moment.";
  return `The API failed (${status}). The log of the api function says why; trying again is safe.`;
}

function setClock(date) {
  const difference = date ? (Date.parse(date) + 500 - Date.now()) / 1000 : 0;
  clockAhead = Math.abs(difference) < 2 ? 0 : difference;
}

const now = () => Date.now() / 1000 + clockAhead;
const seconds = (moment) => Date.parse(moment) / 1000;

// ------------------------------------------------------------------ the token

function enter() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given) {
    sessionStorage.setItem("token", given);
    history.replaceState(null, "", location.pathname + location.search);
  }
  token = sessionStorage.getItem("token") ?? "";
  if (token) open();
  else askForToken("");
}

function askForToken(refusal) {
  leave();
  page.refusal.textContent = refusal;
  page.refusal.hidden = !refusal;
  page.entrance.hidden = false;
  page.token.focus();
}

function open() {
  page.entrance.hidden = true;
  page.bot.hidden = false;
  page.forget.hidden = false;
  refresh();
  connect();
}

function leave() {
  token = "";
  sessionStorage.removeItem("token");
  bot = null;
  socket?.close();
  socket = null;
  for (const part of [page.bot, page.forget, page.money, page.state]) part.hidden = true;
  document.body.classList.remove("live");
  document.title = "Heisenbug";
}

// ----------------------------------------------------------------- the status

/** Take the whole state over HTTP; asked for again while it is under way, it is asked for once more after. */
function refresh() {
  if (refreshing) {
    refreshing.again = true;
    return;
  }
  refreshing = { again: false };
  const asked = token;
  take()
    .then(() => trouble(""))
    .catch((error) => failed(error, asked))
    .finally(() => {
      const again = refreshing.again;
      refreshing = null;
      if (again && token) refresh();
    });
}

async function take() {
  polledAt = now();
  const [status, newest, decision] = await Promise.all([
    call("GET", "status"),
    call("GET", `trades?limit=${SHOWN_TRADES}`),
    call("GET", `opportunities?limit=${SHOWN_CONVERSIONS}`),
  ]);
  if (!token) return;
  bot = { ...status, pricedAt: status.data_age_seconds === null ? null : now() - status.data_age_seconds };
  trades = newest.trades;
  for (const trade of trades) told.add(nameOf(trade));
  seen = { ticks: status.ticks, trades: trades[0]?.sequence ?? 0, settings: status.settings_version };
  showDecision(decision);
  showTrades();
  show();
}

function failed(error, asked) {
  if (!(error instanceof Refusal)) throw error;
  if (asked !== token) return;
  if (error.status === 401 || error.status === 403) askForToken(error.message);
  else trouble(`${error.message} Asking again every ${POLL_SECONDS} s.`);
}

function trouble(text) {
  page.trouble.textContent = text;
  page.trouble.hidden = !text;
}

// ----------------------------------------------------------------- the socket

async function connect() {
  const asked = token;
  retryAt = 0;
  try {
    const { ticket, websocket_url: address } = await call("POST", "ws-ticket");
    if (asked === token) listen(new WebSocket(`${address}?ticket=${encodeURIComponent(ticket)}`));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (asked === token) lost();
  }
}

function listen(opened) {
  socket?.close();
  socket = opened;
  opened.addEventListener("open", () => {
    failures = 0;
    heardAt = now();
    refresh();
  });
  opened.addEventListener("message", (message) => hear(JSON.parse(message.data)));
  opened.addEventListener("close", () => {
    if (socket === opened && token) lost();
  });
}

/** Connect again after a pause that grows with each failure and differs between clients. */
function lost() {
  socket?.close();
  socket = null;
  const pause = Math.min(2 ** failures, LONGEST_WAIT_SECONDS) * (0.5 + Math.random() / 2);
  failures += 1;
  retryAt = now() + pause;
}

function send(action) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(action));
}

const HEARD = {
  tick_completed: heardTick,
  trade_executed: heardTrade,
  trade_failed: heardTrade,
  trade_unresolved: heardTrade,
  trade_skipped: ({ data }) => say(`${data.state.toLowerCase()}: ${data.from} to ${data.to}. ${data.why}`),
  top_opportunities: (message) => showDecision(message.data),
  config_updated: (message) => (message.seq > (seen.settings ?? 0) ? refresh() : undefined),
  protection_triggered: refresh,
};

function hear(message) {
  heardAt = now();
  if (bot) HEARD[message.type]?.(message);
}

/** Whether a message is new; where one was missed, the whole state is asked for. */
function isNew(kind, seq) {
  if (seq === undefined) return true;
  if (seq < seen[kind]) return false;
  if (seq > seen[kind] + 1) refresh();
  seen[kind] = seq;
  return true;
}

function heardTick({ data, seq }) {
  if (!isNew("ticks", seq)) return;
  const due = seconds(data.due);
  const changed =
    data.killed !== Boolean(bot.killed) ||
    data.settings_version !== bot.settings_version ||
    data.open_trade !== (bot.open_trade?.id ?? null) ||
    (data.mode ?? bot.mode) !== bot.mode;
  Object.assign(bot, { equity: data.equity, drawdown: data.drawdown, guarded: data.guarded, last_tick: data.due });
  bot.pricedAt = due - data.price_age_seconds;
  bot.next_tick = new Date((due + bot.check_interval) * 1000).toISOString();
  bot.window.samples = Math.min(data.samples, bot.window.of);
  if (changed || bot.state === "settings not understood") refresh();
  if (now() - decidedAt >= DECISION_SECONDS && !document.hidden) askForDecision();
  show();
}

function heardTrade({ data, seq }) {
  if (told.has(nameOf(data)) || !isNew("trades", seq)) return;
  told.add(nameOf(data));
  trades = [data, ...trades.filter((trade) => trade.id !== data.id)].slice(0, SHOWN_TRADES);
  showTrades(data.id);
  say(`${data.state.toLowerCase()}: ${data.from} to ${data.to}`);
  if (data.state === "UNRESOLVED") refresh();
  askForDecision();
}

function askForDecision() {
  decidedAt = now();
  send({ action: "get_top_trades", limit: SHOWN_CONVERSIONS });
}

const nameOf = (trade) => `${trade.id} ${trade.state}`;

// -------------------------------------------------------------------- showing

function cell(text, kind = "", name = "") {
  const made = document.createElement("td");
  made.textContent = text;
  made.className = kind;
  if (name) made.dataset.name = name;
  return made;
}

function fill(table, rows) {
  const made = rows.map(({ cells, kind }) => {
    const row = document.createElement("tr");
    row.className = kind ?? "";
    row.append(...cells);
    return row;
  });
  table.tBodies[0].replaceChildren(...made);
  table.hidden = rows.length === 0;
}

const percent = (part, digits = 2) => (part === null || part === undefined ? "–" : `${(part * 100).toFixed(digits)} %`);
const decimals = (number) => (number === null ? "–" : number.toFixed(2));
const points = (number) => (number === null ? "–" : `${number.toFixed(1)} bp`);

function money(text) {
  if (text === null || text === undefined) return "–";
  const [whole, part] = text.split(".");
  return whole.replace(/\B(?=(\d{3})+$)/g, ",") + (part ? `.${part}` : "");
}

function clock(moment) {
  const at = new Date(moment);
  const today = at.toDateString() === new Date().toDateString();
  return today ? at.toLocaleTimeString() : at.toLocaleString();
}

function span(count) {
  const whole = Math.max(0, Math.round(count));
  if (whole < 120) return `${whole} s`;
  return whole < 7200 ? `${Math.round(whole / 60)} min` : `${Math.round(whole / 3600)} h`;
}

function show() {
  const isLive = bot.mode === "live";
  badge(page.money, isLive ? "LIVE money" : "PAPER money", isLive ? "money-live" : "paper");
  badge(page.state, bot.state, { running: "running", stopped: "plain", killed: "killed" }[bot.state] ?? "not-understood");
  document.body.classList.toggle("live", isLive);
  document.title = `${isLive ? "LIVE" : "PAPER"} · ${bot.state} · Heisenbug`;
  showWhy();
  page.equity.textContent = money(bot.equity);
  page.currency.textContent = bot.base_currency;
  page.drawdown.textContent = percent(bot.drawdown);
  page.window.textContent = `${bot.window.samples} of ${bot.window.of}`;
  page.filled.value = bot.window.samples / bot.window.of;
  page.interval.textContent = `every ${bot.check_interval} s`;
  showControls();
  showGuarded();
  showTime();
}

function badge(place, text, kind) {
  place.textContent = text;
  place.className = `badge ${kind}`;
  place.hidden = false;
}

const WHY = {
  running: () => ["It looks, decides and trades by itself where every gate is open."],
  stopped: () => ["It looks and decides, but does not trade. Start lets it."],
  killed: () => [`Killed by ${bot.killed.by} at ${clock(bot.killed.at)}: ${bot.killed.why}`, "Nothing trades and nothing was sold. Re-arm lifts it."],
  "settings not understood": () => [
    "Nothing is looked at or traded until the settings are mended, by hand in the table or with PATCH api/config:",
    ...bot.settings_errors.map((error) => error.message),
  ],
};

function showWhy() {
  const lines = WHY[bot.state]();
  const isDoubtful = bot.open_trade?.state === "UNRESOLVED";
  if (bot.held_back) lines.push(`It stays on paper although live money was asked for. ${bot.held_back}`);
  if (bot.exchange_quiet_until) lines.push(`The exchange wants to be left alone until ${clock(bot.exchange_quiet_until)}.`);
  if (isDoubtful) lines.push(doubt(bot.open_trade));
  else if (bot.open_trade) lines.push("A trade is open; another one waits until it has ended.");
  const made = lines.map((line) => Object.assign(document.createElement("p"), { textContent: line }));
  page.why.replaceChildren(...made);
  const isWell = ["running", "stopped"].includes(bot.state) && !bot.held_back && !isDoubtful;
  page.why.className = isWell ? "notice" : "notice bad";
}

const doubt = ({ id, amount, from, to, outcome }) =>
  `Nobody knows what became of trade ${id} (${amount} ${from} to ${to}), and nothing else trades until it is known: ${outcome} It is asked for at every check; who knows its end states it with heisenbug resolve ${id}.`;

function showControls() {
  page.start.hidden = bot.is_active;
  page.stop.hidden = !bot.is_active;
  page.kill.hidden = bot.killed !== null;
  page.rearm.hidden = bot.killed === null;
}

function showGuarded() {
  const rows = Object.entries(bot.guarded).map(([pair, { reason, since }]) => ({
    cells: [cell(pair, "strong"), cell(reason, "wide"), cell(clock(since), "", "since")],
  }));
  fill(page.guarded, rows);
  page.guard.hidden = rows.length === 0;
}

function showTrades(fresh) {
  const rows = trades.map((trade) => ({
    kind: trade.id === fresh ? "fresh" : "",
    cells: [
      cell(clock(trade.at)),
      cell(`${trade.from} → ${trade.to}`, "strong"),
      cell(`${money(trade.amount)} ${trade.from}`, "number", "paid"),
      cell(trade.received === null ? "–" : `${money(trade.received)} ${trade.to}`, "number", "received"),
      cell(points(trade.cost_bps), "number", "cost"),
      cell(trade.state.toLowerCase(), trade.state === "EXECUTED" ? "" : "bad"),
      cell([trade.reason, trade.outcome].filter(Boolean).join(" — "), "wide"),
    ],
  }));
  fill(page.trades, rows);
  page["no-trades"].hidden = rows.length > 0;
  page["no-trades"].textContent = "None yet. Most markets, most of the time, give nothing to trade after costs.";
}

function showDecision(decision) {
  decidedAt = now();
  const conversions = decision.opportunities;
  page.decided.textContent = decision.at ? `decided ${clock(decision.at)}` : "";
  page.honest.textContent = honestly(conversions[0]);
  const rows = conversions.map((found) => ({
    kind: found.gate === "open" ? "open" : "",
    cells: [
      cell(`${found.from} → ${found.to}`, "strong"),
      cell(decimals(found.confidence), "number", "confidence"),
      cell(decimals(found.risk), "number", "risk"),
      cell(percent(found.expected_return), "number", "net"),
      cell(points(found.cost_bps), "number", "cost"),
      cell(found.why, "wide"),
    ],
  }));
  fill(page.best, rows);
}

function honestly(best) {
  if (!best) return "Nothing has been looked at yet; the first check comes within a minute.";
  const name = `${best.from} → ${best.to}`;
  if (best.gate === "open") return `${name}: ${best.why}.`;
  if (best.gate === "window") return `No trade yet: ${best.why}. It does not decide on less.`;
  return `No trade now; most of the time the honest answer is no trade, because few conversions pay their costs. The best is ${name}: ${best.why}.`;
}

// ------------------------------------------------------------------- the time

/** What changes by itself: ages, the countdown, and whether what is shown is still true. */
function showTime() {
  showConnection();
  if (!bot) return;
  const late = bot.last_tick === null ? 0 : now() - seconds(bot.last_tick) - 2 * bot.check_interval - PATIENCE_SECONDS;
  const isStale = late > 0;
  const left = seconds(bot.next_tick) - now();
  page.age.textContent = bot.pricedAt === null ? "–" : span(now() - bot.pricedAt);
  page.fresh.textContent = bot.last_tick === null ? "no check yet" : isStale ? "stale: checks are missing" : "fresh";
  page.next.textContent = left > 0 ? `in ${Math.ceil(left)} s` : left > -PATIENCE_SECONDS ? "now" : `${span(-left)} late`;
  for (const part of [page.age, page.fresh, page.next]) part.classList.toggle("stale", isStale);
  page.bot.classList.toggle("stale", isStale);
}

function showConnection() {
  page.connection.textContent = connectionWords();
}

function connectionWords() {
  if (!token) return "not signed in";
  if (socket?.readyState === WebSocket.OPEN) return heardAt ? `live, heard ${span(now() - heardAt)} ago` : "live";
  if (!retryAt || retryAt <= now()) return "connecting";
  return `not live, asking every ${POLL_SECONDS} s; connecting again in ${span(retryAt - now())}`;
}

function everySecond() {
  if (token && retryAt && retryAt <= now()) connect();
  const isLive = socket?.readyState === WebSocket.OPEN;
  if (isLive && now() - heardAt > SILENCE_SECONDS) lost();
  const isStale = page.bot.classList.contains("stale");
  if (token && (!isLive || isStale || !bot) && now() - polledAt >= POLL_SECONDS) refresh();
  showTime();
}

// ------------------------------------------------------------------- controls

function say(text) {
  page.done.textContent = text;
  clearTimeout(saying);
  saying = setTimeout(() => (page.done.textContent = ""), SAID_SECONDS * 1000);
}

async function command(path, done, body) {
  const buttons = [page.start, page.stop, page.kill, page.rearm];
  for (const button of buttons) button.disabled = true;
  try {
    await call("POST", path, body);
    say(done);
    trouble("");
    refresh();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    trouble(`Nothing was changed. ${error.message}`);
  } finally {
    for (const button of buttons) button.disabled = false;
  }
}

const QUESTIONS = {
  kill: {
    asked: "Kill the bot?",
    explained: "From this instant nothing new is tried or committed. What it holds stays as it is: nothing is sold. Only re-arming by hand lifts it.",
    yes: "Kill it now",
    done: "Killed.",
  },
  rearm: {
    asked: "Re-arm the bot?",
    explained: "It may trade again from the next check on, if it is started. Drawdown counts from now on.",
    yes: "Re-arm it",
    done: "Re-armed.",
  },
};

let pending = "";

function ask(path) {
  pending = path;
  const { asked, explained, yes } = QUESTIONS[path];
  page.asked.textContent = asked;
  page.explained.textContent = explained;
  page.yes.textContent = yes;
  page.reason.hidden = page["reason-label"].hidden = path !== "kill";
  page.reason.value = "";
  page.question.showModal();
}

function agreed() {
  const why = page.reason.value.trim();
  page.question.close();
  command(pending, QUESTIONS[pending].done, pending === "kill" && why ? { why } : undefined);
}

page.start.addEventListener("click", () => command("start", "Started; it counts from the next check on."));
page.stop.addEventListener("click", () => command("stop", "Stopped; it counts from the next check on."));
page.kill.addEventListener("click", () => ask("kill"));
page.rearm.addEventListener("click", () => ask("rearm"));
page.yes.addEventListener("click", agreed);
page.no.addEventListener("click", () => page.question.close());
page.forget.addEventListener("click", () => askForToken(""));
page.entrance.addEventListener("submit", (event) => {
  event.preventDefault();
  token = page.token.value.trim();
  page.token.value = "";
  sessionStorage.setItem("token", token);
  open();
});
window.addEventListener("hashchange", enter);
window.addEventListener("online", () => (token && retryAt ? connect() : undefined));
document.addEventListener("visibilitychange", () => (!document.hidden && token ? refresh() : undefined));

setInterval(() => send({ action: "ping" }), PING_SECONDS * 1000);
setInterval(everySecond, 1000);
enter();
