// Typing something in: a name, a field, and beneath it what is wrong with what was typed, in the server's words.

import { Refusal } from "../api.js";
import { html } from "../html.js";

/** A field with its name; `children` are a select's options, without them it is an input. */
export function Entry({ label, name, error, children, value, onType, kind = "", ...more }) {
  const told = { id: `entry-${name}`, name, ...(value === undefined ? {} : { value }), "aria-invalid": error ? "true" : undefined, "aria-describedby": error ? `wrong-${name}` : undefined, ...more };
  return html`<div class=${`entry ${kind}`}>
    <label for=${told.id}>${label}</label>
    ${children ? html`<select ...${told} onChange=${onType}>${children}</select>` : html`<input autocomplete="off" spellcheck=${false} ...${told} onInput=${onType} />`}
    ${error ? html`<p id=${`wrong-${name}`} class="bad" role="alert">${error}</p>` : null}
  </div>`;
}

/**
 * What came of telling the API, or null where it refused: then `setErrors` gets the words by field; those of fields that
 * the form does not have, or of none, come under `rest`.
 */
export async function attempt(ask, fields, setErrors) {
  try {
    const answer = await ask();
    setErrors({});
    return answer;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    setErrors(sorted(error, fields));
    return null;
  }
}

function sorted({ message, fields }, known) {
  const errors = {};
  for (const { field, message: words } of fields) {
    const place = known.includes(field) ? field : "rest";
    errors[place] = errors[place] ? `${errors[place]} ${words}` : words;
  }
  return Object.keys(errors).length ? errors : { rest: message };
}

/** What was typed, as the command line takes it: JSON where it is JSON, else text; a number too large for one is text. */
export function valueOf(text) {
  try {
    return JSON.parse(text, (_, value) => (typeof value === "number" && !Number.isFinite(value) ? refuse() : value));
  } catch {
    return text;
  }
}

function refuse() {
  throw new SyntaxError("too large a number");
}

/** Settings as they are typed on the command line, NAME=VALUE each. */
export function settingsOf(text) {
  const words = text.trim().split(/\s+/).filter(Boolean);
  return Object.fromEntries(words.map((word) => [word.split("=")[0], valueOf(word.split("=").slice(1).join("="))]));
}
