import { expect, test } from "vitest";

import { instant, sorted, type Sortable } from "../src/grid/sorting";

function inOrder(values: Sortable[], descending = false): readonly Sortable[] {
  const rows = values.map((value) => ({ value }));
  return sorted(rows, { by: "value", descending }, { value: (row) => row.value }).map((row) => row.value);
}

test("words are sorted whatever their case, and numbers within them by value", () => {
  expect(inOrder(["job-10", "Job-9", "backup", "job"])).toEqual(["backup", "job", "Job-9", "job-10"]);
});

test("numbers within words come before letters, as on the server", () => {
  expect(inOrder(["job-a", "job-1"])).toEqual(["job-1", "job-a"]);
  expect(inOrder(["a", "1"])).toEqual(["1", "a"]);
});

test("what has no value is last, either way", () => {
  expect(inOrder([null, 2, 1])).toEqual([1, 2, null]);
  expect(inOrder([null, 1, 2], true)).toEqual([2, 1, null]);
});

test("instants are sorted by time, however they are written", () => {
  const instants = ["2026-11-23T06:00:00.5Z", "2026-11-23T06:00:00Z"].map(instant);

  expect(inOrder(instants)).toEqual([instants[1], instants[0]]);
  expect(instant(null)).toBeNull();
});

test("rows that are equal stay as they were, and so do all without an order", () => {
  const rows = [{ id: 1, key: "same" }, { id: 2, key: "same" }];

  expect(sorted(rows, { by: "key", descending: true }, { key: (row) => row.key })).toEqual(rows);
  expect(sorted(rows, null, {})).toBe(rows);
  expect(sorted(rows, { by: "toString", descending: false }, {})).toBe(rows);
});
