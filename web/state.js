// What the page knows: one signal a thing, read by whoever shows it.

import { computed, signal } from "./vendor/signals.js";

/** Who looks: undefined before it was asked, else { role, by, expires_at }; role "" is a stranger. */
export const session = signal(undefined);
/** Why a person is asked for the token again. */
export const entrance = signal("");
/** The first screen's answer, moved on by what is pushed; null before the first. */
export const overview = signal(null);
/** The trade that was pushed last, to be shown as new. */
export const fresh = signal("");
/** Grows with everything that a screen may want to ask for again. */
export const pulse = signal(0);
/** What keeps the page from being up to date, in words. */
export const trouble = signal("");
/** The socket: connecting, live, slower (asked over HTTP) or offline; when it was last heard, when it tries again. */
export const link = signal({ kind: "connecting", heardAt: 0, retryAt: 0 });
/** The second that it is; what shows ages reads it. */
export const second = signal(Date.now() / 1000);
export const toasts = signal([]);
/** What is asked before something is done: { title, text, yes, danger, reason, twin, act }. */
export const question = signal(null);
export const route = signal({ screen: "overview", rest: "" });
export const preferences = signal(stored());

export const status = computed(() => overview.value?.status ?? null);
export const isAdmin = computed(() => session.value?.role === "admin");

let named = 0;

/** Tell something for a while. */
export function say(text, kind = "") {
  const toast = { name: ++named, text, kind };
  toasts.value = [...toasts.value.slice(-3), toast];
  setTimeout(() => (toasts.value = toasts.value.filter((one) => one !== toast)), kind === "bad" ? 20_000 : 8_000);
}

/** Change what the person prefers, and remember it. */
export function prefer(change) {
  preferences.value = { ...preferences.value, ...change };
  try {
    localStorage.setItem("preferences", JSON.stringify(preferences.value));
  } catch {
    // A browser that keeps nothing asks again next time.
  }
}

function stored() {
  const defaults = { theme: "", utc: false, holding: true };
  try {
    return { ...defaults, ...JSON.parse(localStorage.getItem("preferences") ?? "{}") };
  } catch {
    return defaults;
  }
}
