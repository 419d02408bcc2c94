// What is asked before something is done, which keys there are, and whose code this is.

import { html } from "../html.js";
import { question } from "../state.js";
import { useEffect, useRef, useState } from "../vendor/preact-hooks.js";
import { Twin } from "./bits.js";

/** A dialog that opens when it is made and tells when it is closed; the focus begins on the safe button. */
export function Dialog({ title, onClose, children, buttons }) {
  const dialog = useRef(null);
  useEffect(() => {
    const shown = dialog.current;
    shown.showModal();
    return () => shown.close();
  }, []);
  return html`<dialog ref=${dialog} aria-labelledby="dialog-title" onClose=${onClose}>
    <h2 id="dialog-title">${title}</h2>
    ${children}
    <div class="controls">${buttons}</div>
  </dialog>`;
}

/** The question that is being asked, if any. */
export function Question() {
  const asked = question.value;
  const [why, setWhy] = useState("");
  if (!asked) return null;
  const close = () => {
    question.value = null;
    setWhy("");
  };
  const agree = () => {
    close();
    asked.act(why.trim());
  };
  const buttons = html`
    <button type="button" autofocus onClick=${close}>Leave it as it is</button>
    <button type="button" class=${asked.danger ? "danger" : "main"} onClick=${agree}>${asked.yes}</button>`;
  return html`<${Dialog} title=${asked.title} onClose=${close} buttons=${buttons}>
    <p>${asked.text}</p>
    ${asked.reason ? html`<label>${asked.reason}<input value=${why} maxlength="200" autocomplete="off" onInput=${(event) => setWhy(event.target.value)} /></label>` : null}
    ${asked.twin ? html`<${Twin} command=${asked.twin} />` : null}
  <//>`;
}

const KEYS = [
  ["1 to 6", "the screens"],
  ["p", "start or stop trading"],
  ["Shift+K", "the kill switch"],
  ["?", "these keys"],
];

export const Help = ({ onClose }) => html`<${Dialog} title="Keys" onClose=${onClose} buttons=${html`<button type="button" autofocus onClick=${onClose}>Close</button>`}>
  <dl class="keys">${KEYS.map(([key, means]) => html`<div key=${key}><dt><kbd>${key}</kbd></dt><dd>${means}</dd></div>`)}</dl>
<//>`;

export function Licences({ onClose }) {
  const [text, setText] = useState("Reading…");
  useEffect(() => {
    fetch("assets/licences.txt")
      .then((answer) => answer.text())
      .then(setText, () => setText("They could not be read; they lie in web/vendor of the source."));
  }, []);
  return html`<${Dialog} title="Licences of what this page is made with" onClose=${onClose} buttons=${html`<button type="button" autofocus onClick=${onClose}>Close</button>`}>
    <pre class="licences" tabindex="0">${text}</pre>
  <//>`;
}
