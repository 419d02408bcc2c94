// Keeping up: the whole state over HTTP first, then what is pushed; on a gap, a reconnection or silence the whole again.

import { call, now, Refusal } from "./api.js";
import { seconds } from "./format.js";
import { batch } from "./vendor/signals.js";
import { entrance, fresh, link, overview, pulse, say, second, session, trouble } from "./state.js";

const PING_SECONDS = 300;
const POLL_SECONDS = 15;
const LONGEST_WAIT_SECONDS = 60;
const PATIENCE_SECONDS = 3;
const SILENCE_SECONDS = PING_SECONDS + 30; // a ping is always answered
const SHOWN_TRADES = 50;
const POINTS = 600;

let socket = null;
let failures = 0;
let polledAt = 0;
let refreshing = null;
let seen = {}; // the newest `seq` of each kind
let told = new Set(); // trades already shown, by id and what became of them
let pair = "";

// ------------------------------------------------------------------ sessions

/** Find out who looks, by the link's token or the cookie, and begin. */
export async function enter() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token) history.replaceState(null, "", location.pathname + location.search);
  try {
    await (token ? signIn(token) : resume());
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.status) leave(error.message);
    else retryEntering(error.message);
  }
}

function retryEntering(words) {
  trouble.value = words;
  link.value = { ...link.value, kind: "offline" };
  setTimeout(enter, POLL_SECONDS * 1000);
}

async function resume() {
  const known = await call("GET", "session");
  session.value = known;
  if (known.role) begin();
}

/** Exchange a token for a session; raises Refusal. */
export async function signIn(token) {
  session.value = await call("POST", "session", undefined, { token });
  begin();
}

export async function signOut() {
  await call("DELETE", "session").catch(() => {});
  leave("");
}

function begin() {
  entrance.value = "";
  trouble.value = "";
  refresh();
  connect();
}

function leave(words) {
  socket?.close();
  socket = null;
  batch(() => {
    entrance.value = words;
    session.value = { role: "", by: "", expires_at: null };
    overview.value = null;
    link.value = { kind: "connecting", heardAt: 0, retryAt: 0 };
  });
}

const isIn = () => Boolean(session.value?.role);

// ----------------------------------------------------------------- the whole

/** Take the whole state over HTTP; asked for again while it is under way, it is asked for once more after. */
export function refresh() {
  if (refreshing) {
    refreshing.again = true;
    return;
  }
  refreshing = { again: false };
  take()
    .catch(failed)
    .finally(() => {
      const { again } = refreshing;
      refreshing = null;
      if (again && isIn()) refresh();
    });
}

/** Show the prices of another pair. */
export function choosePair(name) {
  pair = name;
  refresh();
}

async function take() {
  polledAt = now();
  const whole = await call("GET", pair ? `overview?pair=${encodeURIComponent(pair)}` : "overview");
  if (!isIn()) return;
  for (const trade of whole.trades) told.add(nameOf(trade));
  const { status } = whole;
  seen = { ticks: status.ticks, trades: whole.trades[0]?.sequence ?? 0, settings: status.settings_version };
  batch(() => {
    overview.value = { ...whole, status: { ...status, pricedAt: pricedAt(status) } };
    pulse.value += 1;
    trouble.value = "";
    if (link.value.kind === "offline") link.value = { ...link.value, kind: "slower" };
  });
}

const pricedAt = (status) => (status.data_age_seconds === null ? null : now() - status.data_age_seconds);

function failed(error) {
  if (!(error instanceof Refusal)) throw error;
  if (!isIn()) return;
  if (error.status === 401) leave(error.message);
  else {
    trouble.value = `${error.message} Asking again every ${POLL_SECONDS} s.`;
    if (error.status === 0) link.value = { ...link.value, kind: "offline" };
  }
}

// ---------------------------------------------------------------- the socket

async function connect() {
  link.value = { ...link.value, retryAt: 0 };
  try {
    const { ticket, websocket_url: address } = await call("POST", "ws-ticket");
    if (isIn()) listen(new WebSocket(`${address}?ticket=${encodeURIComponent(ticket)}`));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.status === 401) failed(error);
    else if (isIn()) lost(error.status === 0);
  }
}

function listen(opened) {
  socket?.close();
  socket = opened;
  opened.addEventListener("open", () => {
    failures = 0;
    link.value = { kind: "live", heardAt: now(), retryAt: 0 };
    refresh();
  });
  opened.addEventListener("message", (message) => hear(JSON.parse(message.data)));
  opened.addEventListener("close", () => {
    if (socket === opened && isIn()) lost(false);
  });
}

/** Connect again after a pause that grows with each failure and differs between clients. */
function lost(isOffline) {
  socket?.close();
  socket = null;
  const pause = Math.min(2 ** failures, LONGEST_WAIT_SECONDS) * (0.5 + Math.random() / 2);
  failures += 1;
  link.value = { ...link.value, kind: isOffline ? "offline" : "slower", retryAt: now() + pause };
}

function send(action) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(action));
}

// -------------------------------------------------------------- what is pushed

const HEARD = {
  tick_completed: heardTick,
  price_update: heardPrices,
  trade_executed: heardTrade,
  trade_failed: heardTrade,
  trade_unresolved: heardTrade,
  trade_skipped: ({ data }) => say(`${data.state.toLowerCase()}: ${data.from} to ${data.to}. ${data.why}`),
  config_updated: (message) => (message.seq > (seen.settings ?? 0) ? refresh() : undefined),
  protection_triggered: ({ data }) => {
    say(`${data.by}: ${data.why}`, "bad");
    refresh();
  },
};

function hear(message) {
  link.value = { ...link.value, heardAt: now() };
  if (overview.value) HEARD[message.type]?.(message); // before the first whole there is nothing to move on
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
  const { status, portfolio, ...rest } = overview.value;
  const due = seconds(data.due);
  const isAnother =
    data.killed !== Boolean(status.killed) ||
    String(data.halts) !== String(status.halts.map((halt) => halt.by)) ||
    data.settings_version !== status.settings_version ||
    data.open_trade !== (status.open_trade?.id ?? null) ||
    status.state === "settings not understood";
  const moved = {
    ...status,
    equity: data.equity,
    drawdown: data.drawdown,
    guarded: data.guarded,
    last_tick: data.due,
    pricedAt: due - data.price_age_seconds,
    next_tick: new Date((due + status.check_interval) * 1000).toISOString(),
    window: { ...status.window, samples: Math.min(data.samples, status.window.of) },
  };
  const point = { at: data.due, equity: data.equity, drawdown: data.drawdown };
  const equity = data.equity === null ? rest.equity : [...rest.equity, point].slice(-POINTS);
  overview.value = { ...rest, equity, portfolio: { ...portfolio, equity: data.equity }, status: moved };
  if (isAnother) refresh();
}

function heardPrices({ data, at }) {
  const quote = data[overview.value.pair];
  if (!quote) return;
  const point = { at, quotes: { [overview.value.pair]: quote } };
  overview.value = { ...overview.value, prices: [...overview.value.prices, point].slice(-POINTS) };
}

function heardTrade({ data, seq }) {
  if (told.has(nameOf(data))) return;
  isNew("trades", seq); // a failure that landed after all comes again, under its old number
  told.add(nameOf(data));
  const others = overview.value.trades.filter((trade) => trade.id !== data.id);
  batch(() => {
    overview.value = { ...overview.value, trades: [data, ...others].slice(0, SHOWN_TRADES) };
    fresh.value = data.id;
    pulse.value += 1;
  });
  say(`${data.state.toLowerCase()}: ${data.from} to ${data.to}`, data.state === "EXECUTED" ? "good" : "bad");
  refresh();
}

const nameOf = (trade) => `${trade.id} ${trade.state}`;

// ------------------------------------------------------------------- the time

/** Seconds by which checks are missing; 0 or less where what is shown is fresh. */
export function lateness(status, at) {
  if (!status?.last_tick) return 0;
  return at - seconds(status.last_tick) - 2 * status.check_interval - PATIENCE_SECONDS;
}

function everySecond() {
  second.value = now();
  if (!isIn()) return;
  const isLive = socket?.readyState === WebSocket.OPEN;
  if (link.value.retryAt && link.value.retryAt <= now()) connect();
  if (isLive && now() - link.value.heardAt > SILENCE_SECONDS) lost(false);
  const isStale = lateness(overview.value?.status, now()) > 0;
  if ((!isLive || isStale || !overview.value) && now() - polledAt >= POLL_SECONDS) refresh();
}

/** Begin to keep up. */
export function keepUp() {
  setInterval(everySecond, 1000);
  setInterval(() => send({ action: "ping" }), PING_SECONDS * 1000);
  addEventListener("online", () => (isIn() ? connect() : undefined));
  addEventListener("offline", () => (link.value = { ...link.value, kind: "offline" }));
  document.addEventListener("visibilitychange", () => (!document.hidden && isIn() ? refresh() : undefined));
}
