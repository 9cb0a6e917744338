// Times in the reader's own zone, with the whole date and zone on demand.

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const WEEKDAY = new Intl.DateTimeFormat(undefined, { weekday: "short" });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: "short", month: "short", day: "numeric" });
const DAY_AND_YEAR = new Intl.DateTimeFormat(undefined, { weekday: "short", year: "numeric", month: "short", day: "numeric" });
const WHOLE = new Intl.DateTimeFormat(undefined, {
  weekday: "long", year: "numeric", month: "long", day: "numeric", hour: "numeric", minute: "2-digit", timeZoneName: "short",
});

export const clock = (at) => CLOCK.format(new Date(at));
export const whole = (at) => WHOLE.format(new Date(at));
export const dayKey = (at) => new Date(at).toDateString();

export function day(at) {
  const key = dayKey(at);
  const now = new Date();
  if (key === now.toDateString()) return "Today";
  now.setDate(now.getDate() - 1);
  return key === now.toDateString() ? "Yesterday" : date(new Date(at));
}

/** The date, with its year where that is not this year. */
function date(moment) {
  return (moment.getFullYear() === new Date().getFullYear() ? DAY : DAY_AND_YEAR).format(moment);
}

export function short(at) {
  const moment = new Date(at);
  return dayKey(at) === new Date().toDateString() ? CLOCK.format(moment) : `${date(moment)}, ${CLOCK.format(moment)}`;
}

/** "in 12 min", "overdue 5 min", or the day when it is far. */
export function due(at, now = Date.now()) {
  const minutes = Math.round((new Date(at).getTime() - now) / 60_000);
  if (minutes < 0) return { text: `overdue ${span(-minutes)}`, late: true, soon: false };
  if (minutes < 24 * 60) return { text: `in ${span(minutes)}`, late: false, soon: minutes <= 30 };
  const moment = new Date(at);
  return { text: minutes < 6 * 24 * 60 ? `${WEEKDAY.format(moment)} ${CLOCK.format(moment)}` : date(moment), late: false, soon: false };
}

function span(minutes) {
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h${minutes % 60 && minutes < 600 ? ` ${minutes % 60} min` : ""}`;
  return `${Math.floor(minutes / 1440)} days`;
}

/** "2:05", for a timer that runs. */
export function elapsed(since, now = Date.now()) {
  const seconds = Math.max(0, Math.floor((now - new Date(since).getTime()) / 1000));
  const minutes = Math.floor(seconds / 60);
  const rest = String(seconds % 60).padStart(2, "0");
  return minutes < 60 ? `${minutes}:${rest}` : `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${rest}`;
}
