// Talking to the API: what is refused is an error with the server's own words.
// Every address is relative, because on a laptop the page lives under a path.

let ahead = 0; // seconds that the server's clock is ahead of this one

/** Seconds since the epoch, by the server's clock. */
export const now = () => Date.now() / 1000 + ahead;

export class Refusal extends Error {
  constructor(status, message, fields = [], content = {}) {
    super(message);
    this.status = status;
    this.fields = fields;
    this.content = content;
  }
}

/** Ask or tell the API; `token` and `version` are sent where they are given. */
export async function call(method, path, body, { token = "", version = null } = {}) {
  const headers = { "X-Heisenbug": "page" };
  if (token) headers.Authorization = `Bearer ${token}`;
  if (version !== null) headers["If-Match"] = String(version);
  const options = { method, headers, cache: "no-store", credentials: "same-origin" };
  if (body !== undefined) options.body = JSON.stringify(body);
  let answer;
  try {
    answer = await fetch(`api/${path}`, options);
  } catch {
    throw new Refusal(0, "The API does not answer. The bot does not need this page and may be fine; look at your connection.");
  }
  setClock(answer.headers.get("Date"));
  const content = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refusal(answer.status, words(answer.status, content), content.error?.fields, content);
  return content;
}

function words(status, content) {
  if (content.error) return content.error.message;
  if (status === 429) return "The API is asked too often (429); it answers again in a moment.";
  return `The API failed (${status}). The log of the api function says why; trying again is safe.`;
}

function setClock(date) {
  const difference = date ? (Date.parse(date) + 500 - Date.now()) / 1000 : 0;
  ahead = Math.abs(difference) < 2 ? 0 : difference;
}
