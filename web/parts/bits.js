// Small things that every screen is made of.

import { html } from "../html.js";

/** The command, or the commands, that do the same in a terminal. */
export const Twin = ({ command }) => html`<p class="twin"><span class="hidden">In a terminal: </span>${[command].flat().map((one, place) => html`${place ? html`<span class="hidden">, </span>` : null}<code key=${one}>heisenbug ${one}</code>`)}</p>`;

/** A titled part of a screen; `choice` stands beside its title. */
export function Section({ title, note, twin, choice, children, name }) {
  return html`<section aria-labelledby=${`${name}-title`} id=${name}>
    <div class="head">
      <h2 id=${`${name}-title`}>${title} ${note ? html`<small>${note}</small>` : null}</h2>
      ${choice}
      ${twin ? html`<${Twin} command=${twin} />` : null}
    </div>
    ${children}
  </section>`;
}

/** One figure with its name. */
export const Tile = ({ name, value, note, kind = "", children }) => html`<div class=${`tile ${kind}`}>
  <dt>${name}</dt>
  <dd class="value">${value}</dd>
  <dd class="note">${note}${children}</dd>
</div>`;

/** What went wrong with a question, and a way to ask it again. */
export const Failure = ({ error, again }) => html`<div class="notice bad" role="alert">
  <p>${error.message}</p>
  ${again ? html`<button type="button" onClick=${again}>Ask again</button>` : null}
</div>`;

/** Room for what is being asked for, of about its final height. */
export const Waiting = ({ rows = 6 }) => html`<div class="waiting" role="status" aria-label="Asking…">
  ${Array.from({ length: rows }, (_, row) => html`<span key=${row}></span>`)}
</div>`;

/** An answer, room for it while it is asked for, or why it is not there. */
export function Answer({ asked, rows, children }) {
  if (asked.data) return html`${asked.error ? html`<${Failure} ...${asked} />` : null}${children(asked.data)}`;
  return asked.error ? html`<${Failure} ...${asked} />` : html`<${Waiting} rows=${rows} />`;
}

/** A table that becomes cards on a phone; `columns` are { name, label, kind, show }. */
export function Table({ label, columns, rows, keyOf, kindOf, onOpen }) {
  const head = html`<tr>${columns.map((column) => html`<th key=${column.name} scope="col" class=${column.kind}>${column.label}</th>`)}</tr>`;
  const cell = (row, column) => html`<td key=${column.name} class=${column.kind} data-label=${column.label}>${column.show(row)}</td>`;
  return html`<div class="scroll" role="region" aria-label=${label} tabindex="0">
    <table class="cards">
      <thead>${head}</thead>
      <tbody>
        ${rows.map((row) => html`<tr key=${keyOf(row)} class=${kindOf?.(row)} onClick=${onOpen && (() => onOpen(row))}>${columns.map((column) => cell(row, column))}</tr>`)}
      </tbody>
    </table>
  </div>`;
}

/** A badge that says a state in a word. */
export const Badge = ({ kind, children, title }) => html`<span class=${`badge ${kind}`} title=${title}>${children}</span>`;

/** A part of a limit that is used up. */
export const Meter = ({ label, value, most }) =>
  html`<meter aria-label=${label} min="0" max=${most} low=${most * 0.5} high=${most * 0.8} optimum="0" value=${Math.min(value ?? 0, most)}></meter>`;
