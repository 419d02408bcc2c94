// Numbers and times as a person reads them; what is not known is a dash.

import { preferences } from "./state.js";

export const DASH = "–";

const isKnown = (value) => value !== null && value !== undefined && value !== "";

export function money(text) {
  if (!isKnown(text)) return DASH;
  const [whole, part] = String(text).split(".");
  return whole.replace(/\B(?=(\d{3})+$)/g, ",") + (part ? `.${part}` : "");
}

/** An amount without the digits that nobody reads: at least two decimals, at most six that say something. */
export function amount(text) {
  if (!isKnown(text)) return DASH;
  const size = Math.abs(Number(text));
  const digits = size === 0 || size >= 100 ? 2 : size >= 1 ? 4 : 8;
  return Number(text).toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: digits });
}

/** A worth with as many decimals as `like` has, which is told in the same currency. */
export function worth(number, like) {
  if (!isKnown(number)) return DASH;
  const digits = String(like ?? "0.00").split(".")[1]?.length ?? 0;
  const least = 10 ** -digits;
  if (number > 0 && number < least / 2) return `< ${least.toFixed(digits)}`;
  return Number(number).toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export const percent = (part, digits = 2) => (isKnown(part) ? `${(part * 100).toFixed(digits)} %` : DASH);
export const decimals = (number, digits = 2) => (isKnown(number) ? Number(number).toFixed(digits) : DASH);
export const points = (number) => (isKnown(number) ? `${number.toFixed(1)} bp` : DASH);

/** With its sign and an arrow, so that colour never says it alone. */
export function signed(number, words) {
  if (!isKnown(number)) return DASH;
  if (number === 0) return words;
  return number > 0 ? `▲ +${words}` : `▼ ${words}`;
}

export const seconds = (moment) => Date.parse(moment) / 1000;

export function time(moment) {
  if (!moment) return DASH;
  const at = new Date(moment);
  const zone = preferences.value.utc ? { timeZone: "UTC" } : {};
  const day = { ...zone, dateStyle: "medium" };
  const isToday = at.toLocaleDateString("en-CA", zone) === new Date().toLocaleDateString("en-CA", zone);
  const clock = at.toLocaleTimeString([], { ...zone, hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
  return `${isToday ? "" : `${at.toLocaleDateString([], day)} `}${clock}${preferences.value.utc ? " UTC" : ""}`;
}

export function span(count) {
  const whole = Math.max(0, Math.round(count));
  if (whole < 120) return `${whole} s`;
  if (whole < 7200) return `${Math.round(whole / 60)} min`;
  return whole < 172800 ? `${Math.round(whole / 3600)} h` : `${Math.round(whole / 86400)} d`;
}

export const plural = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;

export const reason = (trade) => [trade.reason, trade.outcome].filter(Boolean).join(" — ");
