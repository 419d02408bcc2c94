// A trade that nobody knows the end of: what is known, where to look, and the statement of a person who looked.

import { call, Refusal } from "../api.js";
import { html } from "../html.js";
import { refresh } from "../live.js";
import { Section } from "../parts/bits.js";
import { isAdmin, say } from "../state.js";
import { useState } from "../vendor/preact-hooks.js";

const FAILED = "failed, nothing moved";

export function Doubt({ trade }) {
  const { id, mode, at, amount, from, to, outcome } = trade;
  const [statement, setStatement] = useState("");
  const [error, setError] = useState("");
  const state = async (event) => {
    event.preventDefault();
    try {
      const ended = await call("POST", `trades/${id}/resolve`, { statement });
      say(`Recorded as trade ${ended.sequence}, ${ended.state.toLowerCase()}, stated by you.`, "good");
      refresh();
    } catch (refused) {
      if (!(refused instanceof Refusal)) throw refused;
      setError(refused.message);
    }
  };
  return html`<${Section} name="doubt" title="What became of this trade?" note=${id} twin=${`resolve ${id}`}>
    <p>${mode === "live" ? "Live" : "Paper"} money, decided at ${at}: ${amount} ${from} into ${to}. ${outcome}</p>
    <p>The bot goes on asking. Look at the exchange's own list of activity, about that time and the two minutes after, for the reference <code>heisenbug-${id}</code>. Then type <code>executed ${amount} ${from} for AMOUNT ${to}</code>, with both amounts as the exchange shows them, or <code>${FAILED}</code>.</p>
    <form class="controls" onSubmit=${state} novalidate>
      <label>What became of it <input size="40" value=${statement} autocomplete="off" spellcheck=${false} disabled=${!isAdmin.value} aria-invalid=${error ? "true" : undefined} aria-describedby="about-statement" onInput=${(event) => setStatement(event.target.value)} /></label>
      <button type="submit" class="main" disabled=${!isAdmin.value || !statement.trim()}>State it</button>
    </form>
    <p id="about-statement" class="bad" role="alert">${error}</p>
  <//>`;
}
