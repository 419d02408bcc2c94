// A question to the API that a screen asks when it opens, and again when something happened.

import { call, Refusal } from "../api.js";
import { pulse } from "../state.js";
import { useEffect, useState } from "../vendor/preact-hooks.js";

/** { data, error, again } of a GET, of nothing where `path` is; asked anew with another path, a pulse, and every so often. */
export function useAsked(path, { every = 0, pulsing = true } = {}) {
  const [answer, setAnswer] = useState({ path: "", data: null, error: null });
  const [count, setCount] = useState(0);
  const beat = pulsing ? pulse.value : 0;
  useEffect(() => {
    if (!path) return undefined;
    let isOpen = true;
    const ask = () =>
      call("GET", path)
        .then((data) => isOpen && setAnswer({ path, data, error: null }))
        .catch((error) => {
          if (!(error instanceof Refusal)) throw error;
          if (isOpen) setAnswer((before) => ({ path, data: before.path === path ? before.data : null, error }));
        });
    ask();
    const timer = every ? setInterval(() => document.hidden || ask(), every * 1000) : 0;
    return () => {
      isOpen = false;
      clearInterval(timer);
    };
  }, [path, beat, count, every]);
  const known = answer.path === path ? answer : { data: null, error: null };
  return { ...known, again: () => setCount((before) => before + 1) };
}
