// Instants as the pages say them: in the viewer's zone; UTC is in the title.

import { span } from "./wording";

const formats = new Map<string | null, Intl.DateTimeFormat>();

/** How an instant is shown in `zone`, or where that is null in the viewer's. */
export function shown(instant: string, zone: string | null): string {
  return format(zone).format(new Date(instant));
}

/** The same in UTC: `2026-11-23 06:00:00 UTC`. */
export function exact(instant: string): string {
  return `${new Date(instant).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** How far an instant is from `now`, in the largest unit of which there is one: `in 5 min`, `3 s ago`. */
export function away(instant: string, now: number): string {
  const seconds = Math.round((Date.parse(instant) - now) / 1000);
  if (seconds === 0) return "now";
  return seconds > 0 ? `in ${span(seconds)}` : `${span(-seconds)} ago`;
}

/** An instant as it is typed in; without its zone it is meant in UTC. */
export function inUtc(typed: string): string {
  const local = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?$/;
  if (!local.test(typed)) return typed;
  return typed.length === 10 ? `${typed}T00:00:00Z` : `${typed.replace(" ", "T")}Z`;
}

function format(zone: string | null): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known) return known;
  const options: Intl.DateTimeFormatOptions = { dateStyle: "medium", timeStyle: "medium" };
  const made = new Intl.DateTimeFormat(undefined, zone === null ? options : { ...options, timeZone: zone });
  formats.set(zone, made);
  return made;
}
