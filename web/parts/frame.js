// What stands around every screen: whose money, how the bot is, how fresh this is, the ways around, and the kill switch.

import { now } from "../api.js";
import { plural, span, time } from "../format.js";
import { html } from "../html.js";
import { lateness, signOut } from "../live.js";
import { isAdmin, link, preferences, prefer, route, second, session, status, toasts, trouble } from "../state.js";
import { useEffect } from "../vendor/preact-hooks.js";
import { askToKill, askToRearm, start, stop } from "./act.js";
import { Badge } from "./bits.js";

export const SCREENS = ["overview", "opportunities", "trades", "backtest", "settings", "health"];
const STATES = { running: "running", halted: "killed", stopped: "plain", killed: "killed" };

export function Header() {
  const known = status.value;
  const isLive = known?.mode === "live";
  const { screen } = route.value;
  useEffect(() => {
    const [shown, all] = [document.querySelector("nav [aria-current]"), document.querySelector("nav")];
    all.scrollLeft = shown.offsetLeft - (all.clientWidth - shown.offsetWidth) / 2; // a phone has no room for all
  }, [screen]);
  return html`<header class=${isLive ? "live" : ""}>
    <div class="bar">
      <a class="name" href="#/overview"><${Mark} /><span>Heisenbug</span></a>
      ${known ? html`<${Badge} kind=${isLive ? "money live" : "money paper"}>${isLive ? "LIVE money" : "PAPER money"}<//>` : null}
      ${known ? html`<${Badge} kind=${STATES[known.state] ?? "killed"} title=${stateTitle(known)}>${known.state}<//>` : null}
      <${Connection} />
      <${Switches} known=${known} />
    </div>
    <nav aria-label="Screens">
      ${SCREENS.map((name) => html`<a key=${name} href=${`#/${name}`} aria-current=${screen === name ? "page" : undefined}>${title(name)}</a>`)}
    </nav>
  </header>`;
}

const Mark = () => html`<svg viewBox="0 0 32 32" width="26" height="26" aria-hidden="true"><rect width="32" height="32" rx="7" /><path d="M5 19c4 0 4-9 8-9s3 13 7 13 3-9 7-9" /></svg>`;

export const title = (name) => name[0].toUpperCase() + name.slice(1);

const stateTitle = (known) => (known.killed ? `by ${known.killed.by}, ${time(known.killed.at)}` : `settings version ${known.settings_version}`);

function Connection() {
  const { kind, heardAt, retryAt } = link.value;
  const at = second.value;
  const late = lateness(status.value, now());
  const words = {
    connecting: "connecting",
    live: `live, heard ${span(at - heardAt)} ago`,
    slower: "not live: slower, asking every 15 s",
    offline: "offline, retrying",
  }[kind];
  const again = retryAt > at && kind !== "live" ? `; connecting again in ${span(retryAt - at)}` : "";
  const stale = late > 0 ? `stale: no check for ${span(at - Date.parse(status.value.last_tick) / 1000)}` : "";
  return html`<p id="connection" class=${`connection ${stale ? "stale" : kind}`}><span class="dot" aria-hidden="true"></span>${stale || words}${stale ? "" : again}</p>`;
}

function Switches({ known }) {
  if (!known || !isAdmin.value) return null;
  if (known.killed) return html`<button type="button" class="main" onClick=${askToRearm}>Re-arm…</button>`;
  const { act, words, twin } = known.is_active ? { act: stop, words: "Stop trading", twin: "stop" } : { act: start, words: "Start trading", twin: "start" };
  return html`<div class="switches">
    ${known.halts?.length ? html`<button type="button" class="main" onClick=${askToRearm}>Re-arm…</button>` : null}
    <button type="button" onClick=${act} title=${`heisenbug ${twin} (key p)`}>${words}</button>
    <button type="button" class="danger" id="kill" onClick=${askToKill} title="heisenbug kill (key Shift+K)">Kill…</button>
  </div>`;
}

/** What must not be missed, on every screen. */
export function Banner() {
  const known = status.value;
  const lines = known ? warnings(known) : [];
  return html`<div class="banner" aria-live="polite">
    ${trouble.value ? html`<p class="notice bad" role="alert">${trouble.value}</p>` : null}
    ${lines.map((line) => html`<p key=${line} class="notice bad">${line}</p>`)}
  </div>`;
}

function warnings(known) {
  const lines = [];
  if (known.killed) lines.push(`Killed by ${known.killed.by} at ${time(known.killed.at)}: ${known.killed.why} Nothing trades and nothing was sold; re-arming lifts it.`);
  for (const { by, why, until, lift } of known.halts ?? []) lines.push(`Entries are stopped${until ? ` until ${time(until)}` : ""} by ${by}: ${why} ${lift}`);
  if (known.state === "settings not understood") lines.push("Nothing is looked at or traded until the settings are mended:", ...known.settings_errors.map((error) => error.message));
  if (known.held_back) lines.push(`It stays on paper although live money was asked for. ${known.held_back}`);
  if (known.exchange_quiet_until) lines.push(`The exchange wants to be left alone until ${time(known.exchange_quiet_until)}.`);
  if (known.open_trade?.state === "UNRESOLVED") lines.push(doubt(known.open_trade));
  return lines;
}

const doubt = ({ id, amount, from, to, outcome }) =>
  `Nobody knows what became of trade ${id} (${amount} ${from} to ${to}), and nothing else trades until it is known: ${outcome} It is asked for at every check; who knows its end states it on the Trades screen.`;

export const Toasts = () => html`<div class="toasts" role="status" aria-live="polite">
  ${toasts.value.map((toast) => html`<p key=${toast.name} class=${`toast ${toast.kind}`}>${toast.text}</p>`)}
</div>`;

const THEMES = { "": "System colours", light: "Light", dark: "Dark" };

export function Footer({ onHelp, onLicences }) {
  const { theme, utc } = preferences.value;
  return html`<footer>
    <label>Colours <select value=${theme} onChange=${(event) => prefer({ theme: event.target.value })}>
      ${Object.entries(THEMES).map(([value, name]) => html`<option key=${value} value=${value}>${name}</option>`)}
    </select></label>
    <label><input type="checkbox" checked=${utc} onChange=${(event) => prefer({ utc: event.target.checked })} /> UTC</label>
    <button type="button" class="quiet" onClick=${onHelp}>Keys</button>
    <button type="button" class="quiet" onClick=${copyStatus}>Copy status as text</button>
    <a href="api/docs">API</a>
    <button type="button" class="quiet" onClick=${onLicences}>Licences</button>
    ${session.value?.by === "session" || session.value?.by === "token" ? html`<button type="button" class="quiet" onClick=${signOut}>Sign out</button>` : null}
    <p class="notice-of-charts">TradingView Lightweight Charts™, Copyright © 2025 TradingView, Inc. <a href="https://www.tradingview.com/" rel="noreferrer">tradingview.com</a></p>
  </footer>`;
}

/** The state in words that hold no secret, for a question to others. */
function copyStatus() {
  const known = status.value;
  if (!known) return;
  const { state, mode, ticks, last_tick: last, equity, base_currency: base, drawdown, window } = known;
  const lines = [`Heisenbug: ${state}, ${mode}`, `${plural(ticks, "tick")}, newest ${last}`, `equity ${equity} ${base}, drawdown ${drawdown}`, `window ${window.samples} of ${window.of}`, ...warnings(known)];
  navigator.clipboard?.writeText(lines.join("\n"));
}
