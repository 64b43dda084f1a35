// How the pages say durations and outcomes, and where they are.

import type { Execution } from "../api/records";

const UNITS: readonly (readonly [number, string])[] = [[86_400, "day"], [3_600, "h"], [60, "min"], [1, "s"]];
const LONGEST = 200;

/** The path of a page, `/schedules/nightly/edit`; the parts may be any text. */
export function pathTo(...parts: string[]): string {
  return parts.map((part) => `/${encodeURIComponent(part)}`).join("");
}

/** The path of a list that is filtered by one value. */
export function listOf(page: string, name: string, value: string): string {
  return `/${page}?${new URLSearchParams({ [name]: value })}`;
}

/** A duration in words: `12 ms`, `3.4 s`, `5 min`. */
export function duration(milliseconds: number | null): string {
  if (milliseconds === null) return "";
  if (milliseconds < 1) return `${milliseconds.toFixed(1)} ms`;
  if (milliseconds < 1_000) return `${milliseconds.toFixed(0)} ms`;
  return milliseconds < 60_000 ? `${(milliseconds / 1_000).toFixed(1)} s` : span(Math.round(milliseconds / 1_000));
}

/** What an execution has to say, on one line: its error, why it did not run, or its result. */
export function summary(execution: Execution): string {
  const { error, reason, status, result } = execution;
  if (error) return shortened(`${error.type}: ${error.message}`);
  if (reason) return `not run: ${reason.replaceAll("_", " ")}`;
  if (status === "running" || status === "retrying") {
    return `attempt ${execution.attempt_number} of ${execution.max_attempts}`;
  }
  return shortened(plain(result));
}

function shortened(text: string): string {
  const line = text.trim().split(/\s+/).join(" ");
  return line.length <= LONGEST ? line : `${line.slice(0, LONGEST - 1)}…`;
}

function plain(result: unknown): string {
  if (typeof result === "string") return result;
  return result === null || result === undefined ? "" : spaced(result);
}

/** JSON on one line, with a space after each comma and colon, so that a long one can be broken there. */
function spaced(value: unknown): string {
  return JSON.stringify(value, null, 1).replace(/,\n */g, ", ").replace(/\n */g, "");
}

/** Whole seconds in the largest unit of which there is one. */
export function span(seconds: number): string {
  const [size, unit] = UNITS.find(([size]) => seconds >= size) ?? [1, "s"];
  const count = Math.floor(seconds / size);
  return unit === "day" && count > 1 ? `${count} days` : `${count} ${unit}`;
}
