import { expect, test } from "vitest";

import type { Execution } from "../src/api/records";
import { duration, listOf, pathTo, summary } from "../src/page/wording";
import { away, exact, inUtc, shown } from "../src/page/times";

const DONE: Execution = {
  execution_id: "e1",
  schedule_id: null,
  handler_id: "reports",
  method_name: "do_work",
  status: "success",
  reason: null,
  created_at: "2026-11-23T06:00:00Z",
  duration_ms: 1,
  attempt_number: 1,
  max_attempts: 3,
  result: null,
  error: null,
};

test.each([
  [null, ""],
  [0.25, "0.3 ms"],
  [12.4, "12 ms"],
  [3_440, "3.4 s"],
  [300_000, "5 min"],
  [7_200_000, "2 h"],
  [86_400_000, "1 day"],
  [180_000_000, "2 days"],
])("a duration of %s ms is %j", (milliseconds, said) => {
  expect(duration(milliseconds)).toBe(said);
});

test.each<[Partial<Execution>, string]>([
  [{ error: { type: "ValueError", message: "no\nsuch file" } }, "ValueError: no such file"],
  [{ status: "skipped", reason: "no_handler" }, "not run: no handler"],
  [{ status: "retrying", attempt_number: 2 }, "attempt 2 of 3"],
  [{ result: "done" }, "done"],
  [{ result: { n: 1, of: ["a,b", {}], "c:d": [] } }, '{"n": 1, "of": ["a,b", {}], "c:d": []}'],
  [{ result: null }, ""],
  [{ result: "x".repeat(201) }, `${"x".repeat(199)}…`],
])("an execution says the most telling of what it has: %j", (own, said) => {
  expect(summary({ ...DONE, ...own })).toBe(said);
});

test("any text may be part of a path or a filter", () => {
  expect(pathTo("schedules", "a/b?c", "edit")).toBe("/schedules/a%2Fb%3Fc/edit");
  expect(listOf("schedules", "tag", "a&b")).toBe("/schedules?tag=a%26b");
});

test("an instant is shown in the zone, and exactly in UTC", () => {
  expect(shown("2026-11-23T23:30:00Z", "Asia/Tokyo")).toBe(shown("2026-11-24T08:30:00Z", "UTC"));
  expect(exact("2026-11-23T23:30:00.123456Z")).toBe("2026-11-23 23:30:00 UTC");
});

test.each([
  [0, "now"],
  [-3, "3 s ago"],
  [300, "in 5 min"],
  [-172_800, "2 days ago"],
])("an instant %i s from now is %j", (seconds, said) => {
  const now = Date.parse("2026-11-23T06:00:00Z");

  expect(away(new Date(now + seconds * 1000).toISOString(), now)).toBe(said);
});

test.each([
  ["2026-11-23T06:00", "2026-11-23T06:00Z"],
  ["2026-11-23 06:00:01.5", "2026-11-23T06:00:01.5Z"],
  ["2026-11-23", "2026-11-23T00:00:00Z"],
  ["2026-11-23T06:00+09:00", "2026-11-23T06:00+09:00"],
  ["nonsense", "nonsense"],
])("%j is meant as %j", (typed, meant) => {
  expect(inUtc(typed)).toBe(meant);
});
