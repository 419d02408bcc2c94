// The pairs that may be traded: put in, ordered, switched off, taken out.

import { call } from "../api.js";
import { html } from "../html.js";
import { useAsked } from "../parts/asked.js";
import { Answer, Section, Table } from "../parts/bits.js";
import { attempt, Entry, valueOf } from "../parts/entry.js";
import { isAdmin, say } from "../state.js";
import { useState } from "../vendor/preact-hooks.js";

const address = (name) => `pairs/${encodeURIComponent(name)}`;

export function Pairs() {
  const answer = useAsked("pairs");
  const [errors, setErrors] = useState({}); // by the pair that was to be changed
  const [typed, setTyped] = useState({}); // priorities that are not taken yet
  const isOff = !isAdmin.value;
  const type = (name, text) => setTyped((before) => ({ ...before, [name]: text }));
  const told = async (name, ask, done) => {
    const came = await attempt(ask, [], ({ rest }) => setErrors((before) => ({ ...before, [name]: rest })));
    if (!came) return;
    say(done, "good");
    type(name, undefined);
    answer.again();
  };
  const change = (one, what) => told(one.pair, () => call("PUT", address(one.pair), { enabled: one.enabled, priority: one.priority, ...what }), `${one.pair}: it counts from the next check on.`);
  const remove = ({ pair }) => told(pair, () => call("DELETE", address(pair)), `${pair} is out.`);
  const wrong = ({ pair }) => ({ "aria-invalid": errors[pair] ? "true" : undefined, "aria-describedby": errors[pair] ? `wrong-${pair}` : undefined, disabled: isOff });
  const columns = [
    { name: "pair", label: "Pair", kind: "strong", show: (one) => one.pair },
    { name: "enabled", label: "Enabled", show: (one) => html`<input type="checkbox" aria-label=${`${one.pair} enabled`} checked=${one.enabled} disabled=${isOff} onChange=${(event) => change(one, { enabled: event.target.checked })} />` },
    { name: "priority", label: "Priority", show: (one) => html`<input class="short" inputmode="numeric" autocomplete="off" aria-label=${`Priority of ${one.pair}`} value=${typed[one.pair] ?? one.priority} ...${wrong(one)} onInput=${(event) => type(one.pair, event.target.value)} onChange=${(event) => change(one, { priority: valueOf(event.target.value) })} />${errors[one.pair] ? html`<p id=${`wrong-${one.pair}`} class="bad" role="alert">${errors[one.pair]}</p>` : null}` },
    { name: "remove", label: "Take out", show: (one) => html`<button type="button" disabled=${isOff} onClick=${() => remove(one)}>Take out</button>` },
  ];
  return html`<${Section} name="pairs" title="Pairs" note="of equals the lower priority goes first" twin=${["pairs list", "pairs add PAIR", "pairs remove PAIR"]}>
    <${Answer} asked=${answer} rows=${4}>${({ pairs }) => html`<${Table} label="Pairs" columns=${columns} rows=${pairs} keyOf=${(one) => one.pair} />`}<//>
    <${Another} again=${answer.again} />
  <//>`;
}

function Another({ again }) {
  const [name, setName] = useState("");
  const [errors, setErrors] = useState({});
  const add = async (event) => {
    event.preventDefault();
    const added = await attempt(() => call("PUT", address(name.trim()), {}), ["pair"], setErrors);
    if (!added) return;
    say(`${added.pair} is in.`, "good");
    setName("");
    again();
  };
  return html`<form class="entries" onSubmit=${add} novalidate>
    <${Entry} label="Another pair" name="pair" placeholder="SOL-USD" value=${name} error=${errors.pair ?? errors.rest} disabled=${!isAdmin.value} onType=${(event) => setName(event.target.value)} />
    <button type="submit" disabled=${!isAdmin.value || !name.trim()}>Add it</button>
  </form>`;
}
