// The settings: a form made of the schema that the server checks with, the difference before it is saved, and the past.

import { call, Refusal } from "../api.js";
import { time } from "../format.js";
import { html } from "../html.js";
import { refresh } from "../live.js";
import { tell } from "../parts/act.js";
import { useAsked } from "../parts/asked.js";
import { Answer, Section, Table } from "../parts/bits.js";
import { valueOf } from "../parts/entry.js";
import { isAdmin, say, status } from "../state.js";
import { useState } from "../vendor/preact-hooks.js";
import { Pairs } from "./pairs.js";

// What heisenbug fit writes is nothing to type.
const NOT_TYPED = ["model"];
// What belongs together; a setting that is named nowhere stands under the last title.
const GROUPS = {
  "Whether and whose money": ["is_active", "mode", "budget", "cards"],
  "When it trades, and how much": ["risk_tolerance", "min_confidence", "min_expected_return", "trade_size_percentage", "trade_size_amount", "cooldown_seconds", "max_drawdown"],
  "How it looks at the market": ["check_interval_seconds", "cache_ttl_seconds", "max_price_age_seconds", "sample_seconds", "window", "horizon", "forecaster", "drift_weight", "refit"],
  "Whom it tells": ["notify_trades", "notify_protections", "notify_unresolved", "notify_dead", "notify_per_hour"],
  "Costs, books and the rest": [],
};

/** The settings by their groups. */
function grouped(names) {
  const placed = Object.values(GROUPS).flat();
  return Object.entries(GROUPS).map(([title, wanted]) => ({ title, names: names.filter((name) => (wanted.length ? wanted.includes(name) : !placed.includes(name))) }));
}

export function Settings() {
  const schema = useAsked("config/schema", { pulsing: false });
  const config = useAsked("config");
  return html`<h1>Settings</h1>
    ${isAdmin.value ? null : html`<p class="notice">You may look; changing anything takes the admin token.</p>`}
    <${Answer} asked=${schema} rows=${40}>${({ properties }) => html`<${Answer} asked=${config} rows=${40}>${(told) => html`<${Form} key=${told.version} properties=${properties} told=${told} again=${config.again} />`}<//>`}<//>
    <${Pairs} />
    <${Notifications} />
    <${GoingLive} />
    <${History} />`;
}

function Form({ properties, told, again }) {
  const [typed, setTyped] = useState({});
  const [errors, setErrors] = useState(Object.fromEntries(told.errors?.map(({ field, message }) => [field, message]) ?? []));
  const [changes, setChanges] = useState(null);
  const names = Object.keys(properties).filter((name) => !NOT_TYPED.includes(name));
  const wanted = () => Object.fromEntries(Object.entries(typed).map(([name, text]) => [name, toldOf(text, properties[name])]));
  const type = (name, text) => {
    setTyped({ ...typed, [name]: text });
    setChanges(null);
  };
  const forget = () => {
    setTyped({});
    setErrors({});
    setChanges(null);
  };
  const check = async (event) => {
    event.preventDefault();
    const answer = await asked(() => call("POST", "config/check", wanted()), setErrors);
    if (!answer) return;
    setErrors(byField(answer.errors));
    setChanges(answer.errors.length ? null : answer.changes);
    if (answer.errors.length) focusOn(answer.errors[0].field);
  };
  const save = async () => {
    const answer = await asked(() => call("PATCH", "config", wanted(), { version: told.version }), setErrors);
    if (!answer) return again();
    say(`Saved as version ${answer.version}; it counts from the next check on.`, "good");
    forget();
    refresh();
  };
  return html`<${Section} name="form" title="What the bot is told" note=${`version ${told.version}`} twin=${["config get", "config check NAME=VALUE", "config set NAME=VALUE"]}>
    <form onSubmit=${check} novalidate>
      ${grouped(names).map(({ title, names: some }) => html`<fieldset key=${title} class="fields">
        <legend>${title}</legend>
        ${some.map((name) => html`<${Field} key=${name} name=${name} rule=${properties[name]} now=${told.settings[name]} text=${typed[name]} error=${errors[name]} onType=${(text) => type(name, text)} />`)}
      </fieldset>`)}
      ${told.settings.model ? html`<p class="note">A fitted ${told.settings.model.kind} model is in use, learned until ${time(told.settings.model.end)}; <code>heisenbug fit</code> makes another.</p>` : null}
      ${errors.settings ? html`<p class="notice bad" role="alert">${errors.settings}</p>` : null}
      <div class="controls sticky">
        <button type="submit" class="main" disabled=${!isAdmin.value || !Object.keys(typed).length}>See what changes</button>
        <button type="button" disabled=${!Object.keys(typed).length} onClick=${forget}>Forget it</button>
      </div>
      ${changes ? html`<${Difference} changes=${changes} onSave=${save} />` : null}
    </form>
  <//>`;
}

function Difference({ changes, onSave }) {
  if (!changes.length) return html`<p class="notice">That is what it is told already.</p>`;
  return html`<div class="notice" role="status">
    <ul>${changes.map(({ name, before, after }) => html`<li key=${name}><strong>${name}</strong>: ${shownOf(before)} → ${shownOf(after)}</li>`)}</ul>
    <button type="button" class="main" onClick=${onSave}>Save it; it counts from the next check on</button>
  </div>`;
}

function Field({ name, rule, now, text, error, onType }) {
  const value = text ?? textOf(now);
  const told = { id: `field-${name}`, name, value, disabled: !isAdmin.value, "aria-describedby": `about-${name}`, "aria-invalid": error ? "true" : undefined, onInput: (event) => onType(event.target.value) };
  const choices = rule.type === "boolean" ? ["true", "false"] : rule.enum;
  const input = choices ? html`<select ...${told}>${choices.map((one) => html`<option key=${one} value=${one}>${one}</option>`)}</select>` : html`<input ...${told} autocomplete="off" spellcheck=${false} />`;
  const isChanged = text !== undefined && text !== textOf(now);
  return html`<div class=${`field ${isChanged ? "changed" : ""}`}>
    <div class="over">
      <label for=${told.id}>${name}</label>
      ${isAdmin.value && value !== textOf(rule.default) ? html`<button type="button" class="quiet small" aria-label=${`${name}: back to the default`} onClick=${() => onType(textOf(rule.default))}>default</button>` : null}
    </div>
    ${input}
    ${error ? html`<p class="bad" role="alert">${error}</p>` : null}
    <p id=${`about-${name}`} class="note">${rule.description} ${rule.must.replace(`${name} must be`, "It is")} Default: ${shownOf(rule.default)}.</p>
  </div>`;
}

const textOf = (value) => (value === null || value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : String(value));

const shownOf = (value) => textOf(value) || "nothing";

/** What was typed; nothing where it was cleared and nothing is allowed. */
const toldOf = (text, rule) => (text.trim() === "" && rule.default === null ? null : valueOf(text));

const byField = (rows) => Object.fromEntries(rows.map(({ field, message }) => [field, message]));

/** What came back, or null where it was refused: then the words stand beside their fields. */
async function asked(ask, setErrors) {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const named = byField(error.fields ?? []);
    setErrors(Object.keys(named).length ? named : { settings: error.message });
    return null;
  }
}

const focusOn = (name) => document.getElementById(`field-${name}`)?.focus();

const WAYS = [["telegram", "Try Telegram"], ["sns", "Try e-mail and SMS"]];

function Notifications() {
  const [trying, setTrying] = useState("");
  const [came, setCame] = useState(null);
  const tryOut = async (way) => {
    setTrying(way);
    setCame(null);
    try {
      setCame({ kind: "good", words: (await call("POST", "notifications/test", { way })).says });
    } catch (refused) {
      if (!(refused instanceof Refusal)) throw refused;
      setCame({ kind: "bad", words: refused.message });
    } finally {
      setTrying("");
    }
  };
  return html`<${Section} name="notifications" title="Notifications" twin=${["notify test WAY", "notify telegram"]}>
    <p>What is told away from this page, and which way, is chosen above: nothing unless you choose it. Telegram takes a bot's token and a chat, stored with <code>heisenbug notify telegram</code>; e-mail and SMS take a deployment with <code>NotifyEmail</code> or <code>NotifyPhone</code>.</p>
    <div class="controls">${WAYS.map(([way, words]) => html`<button key=${way} type="button" disabled=${!isAdmin.value || trying} onClick=${() => tryOut(way)}>${trying === way ? "Trying…" : words}</button>`)}</div>
    ${came ? html`<p class=${`notice ${came.kind}`} role=${came.kind === "bad" ? "alert" : "status"}>${came.words}</p>` : null}
  <//>`;
}

function GoingLive() {
  const isLive = status.value?.mode === "live";
  return html`<${Section} name="live" title="Live money" twin=${["live", "credential"]}>
    <p>${isLive ? "It trades live money." : "It trades paper money."} Live money takes three separate acts, none of which this page can do alone: a deployment with <code>LiveTrading=enabled</code>, the exchange's token stored with <code>heisenbug credential</code>, and <code>heisenbug live</code>, where the amounts are typed in full. Setting the mode to paper ends it at once.</p>
  <//>`;
}

function History() {
  const answer = useAsked("config/history?limit=20", { every: 5 });
  const undo = (version, older, names) => tell("POST", "config/restore", { version: older.version, names }, `Back to what version ${older.version} said of ${names.join(", ")}.`).then(answer.again);
  return html`<${Section} name="history" title="History of the settings" twin=${["config history", "config restore VERSION NAME"]}>
    <${Answer} asked=${answer} rows=${6}>${({ versions }) => {
      const rows = versions.map((version, place) => ({ ...version, older: versions[place + 1], names: changed(version, versions[place + 1]) }));
      const columns = [
        { name: "version", label: "Version", kind: "number", show: (row) => row.version },
        { name: "at", label: "Seen", show: (row) => time(row.at) },
        { name: "who", label: "Who", show: (row) => row.who },
        { name: "changed", label: "Changed", kind: "wide", show: (row) => row.names.map((name) => `${name}: ${shownOf(row.older.settings[name])} → ${shownOf(row.settings[name])}`).join("; ") || "–" },
        { name: "undo", label: "Undo", show: (row) => (row.names.length && isAdmin.value ? html`<button type="button" onClick=${() => undo(row, row.older, row.names)}>Undo</button>` : null) },
      ];
      return rows.length ? html`<${Table} label="Versions" columns=${columns} rows=${rows} keyOf=${(row) => row.version} />` : html`<p class="empty">No version yet; the first check keeps the first.</p>`;
    }}<//>
  <//>`;
}

function changed(version, older) {
  if (!older) return [];
  return Object.keys(version.settings).filter((name) => textOf(version.settings[name]) !== textOf(older.settings[name]));
}
