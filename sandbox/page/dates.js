// Dates as Slack words them, in the reader's own language and time zone.

import { el } from "./dom.js";

const formatter = (options) => new Intl.DateTimeFormat(undefined, options);
const DAY_MS = 86_400_000;

const TIME = formatter({ hour: "numeric", minute: "2-digit" });
const FULL = formatter({ dateStyle: "full", timeStyle: "medium" });
const LONG = formatter({ weekday: "long", year: "numeric", month: "long", day: "numeric" });
const DATE = formatter({ year: "numeric", month: "long", day: "numeric" });
const SHORT = formatter({ year: "numeric", month: "short", day: "numeric" });
const AGO = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });

const STEPS = [
  ["year", 365 * DAY_MS],
  ["month", 30 * DAY_MS],
  ["day", DAY_MS],
  ["hour", 3_600_000],
  ["minute", 60_000],
];

function midnight(date) {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate());
}

function pretty(date, otherwise) {
  const days = Math.round((midnight(date) - midnight(new Date())) / DAY_MS);
  return Math.abs(days) <= 1 ? AGO.format(days, "day") : otherwise.format(date);
}

export function ago(date) {
  const past = date - Date.now();
  const [unit, size] = STEPS.find(([, length]) => Math.abs(past) >= length) ?? ["minute", 60_000];
  return AGO.format(Math.round(past / size), unit);
}

const pad = (number) => String(number).padStart(2, "0");

const TOKENS = {
  date_num: (date) => `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`,
  date: (date) => DATE.format(date),
  date_slash: (date) => formatter({ dateStyle: "short" }).format(date),
  date_long: (date) => LONG.format(date),
  date_long_full: (date) => LONG.format(date),
  date_long_pretty: (date) => pretty(date, LONG),
  date_pretty: (date) => pretty(date, DATE),
  date_short: (date) => SHORT.format(date),
  date_short_pretty: (date) => pretty(date, SHORT),
  time: (date) => TIME.format(date),
  time_secs: (date) => formatter({ timeStyle: "medium" }).format(date),
  ago,
};

/** `{tokens}` of a Slack date format filled in; undefined when the time is no number. */
export function dateWords(seconds, format) {
  const date = new Date(Number(seconds) * 1000);
  if (Number.isNaN(date.getTime())) return undefined;
  return format.replace(/\{(\w+)\}/g, (whole, name) => TOKENS[name]?.(date) ?? whole);
}

/** The body of `<!date^ts^format^link|fallback>` as a time element. */
export function dateToken(body, link) {
  const bar = body.lastIndexOf("|");
  const fallback = bar < 0 ? "" : body.slice(bar + 1);
  const [, seconds, format = "", url] = (bar < 0 ? body : body.slice(0, bar)).split("^");
  const words = dateWords(seconds, format) ?? fallback;
  const title = dateWords(seconds, "{date_long} {time_secs}") ?? fallback;
  const node = el("time", { title }, words);
  return url ? link(url, node) : node;
}

export const dateOf = (ts) => new Date(Number(ts) * 1000);
export const bareClock = (ts) => clock(ts).replace(/\s?[ap]\.?m\.?$/i, "");
export const clock = (ts) => TIME.format(dateOf(ts));
export const fullTime = (ts) => FULL.format(dateOf(ts));
export const dayKey = (ts) => midnight(dateOf(ts)).getTime();
export const dayName = (ts) =>
  pretty(dateOf(ts), LONG).replace(/^\p{L}/u, (letter) => letter.toLocaleUpperCase());
