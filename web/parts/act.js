// Telling the bot something: asked first where it matters, said when it is done, and said why when it is not.

import { call, Refusal } from "../api.js";
import { refresh } from "../live.js";
import { question, say } from "../state.js";

/** Tell the API; `done` is said when it worked. Answers what came back, or null where it was refused. */
export async function tell(method, path, body, done) {
  try {
    const answer = await call(method, path, body);
    if (done) say(done, "good");
    refresh();
    return answer;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    say(`Nothing was changed. ${error.message}`, "bad");
    return null;
  }
}

export const start = () => tell("POST", "start", undefined, "Started; it counts from the next check on.");
export const stop = () => tell("POST", "stop", undefined, "Stopped; it counts from the next check on.");

export function askToKill() {
  question.value = {
    title: "Kill the bot?",
    text: "From this instant nothing new is tried or committed. What it holds stays as it is: nothing is sold. Only re-arming by hand lifts it.",
    yes: "Kill it now",
    twin: "kill",
    danger: true,
    reason: "Why (optional, kept with it)",
    act: (why) => tell("POST", "kill", why ? { why } : undefined, "Killed."),
  };
}

export function askToRearm() {
  question.value = {
    title: "Re-arm the bot?",
    text: "It may trade again from the next check on, if it is started. What protections count begins anew.",
    yes: "Re-arm it",
    twin: "rearm",
    act: () => tell("POST", "rearm", undefined, "Re-armed."),
  };
}
