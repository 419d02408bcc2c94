// Asking for the token, once: what comes of it is a cookie that no script can read.

import { Refusal } from "../api.js";
import { html } from "../html.js";
import { signIn } from "../live.js";
import { Twin } from "../parts/bits.js";
import { entrance } from "../state.js";
import { useState } from "../vendor/preact-hooks.js";

export function SignIn() {
  const [token, setToken] = useState("");
  const [refusal, setRefusal] = useState("");
  const [isBusy, setBusy] = useState(false);
  const submit = async (event) => {
    event.preventDefault();
    setBusy(true);
    try {
      await signIn(token.trim());
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      setRefusal(error.message);
    } finally {
      setBusy(false);
    }
  };
  const words = refusal || entrance.value;
  return html`<form class="entrance" onSubmit=${submit}>
    <h1>Which token?</h1>
    <p>The admin token may change everything, the reader token may only look. This browser then stays signed in for a week; the token itself is not kept.</p>
    <p>On a laptop <code>make up</code> printed it, and <code>heisenbug token</code> prints it again; on AWS the stack's output <code>TokenCommand</code> does.</p>
    ${words ? html`<p class="notice bad" role="alert">${words}</p>` : null}
    <input type="text" autocomplete="username" value="heisenbug" readonly hidden />
    <label for="token">Token</label>
    <input id="token" type="password" autocomplete="current-password" spellcheck=${false} required value=${token} onInput=${(event) => setToken(event.target.value)} />
    <button type="submit" class="main" disabled=${isBusy}>Sign in</button>
    <${Twin} command="token" />
  </form>`;
}
