import { expect, test } from "vitest";

import { filtered, readView, sortedBy, writeView, type View } from "../src/grid/view";

const USUAL: View = { filters: {}, sort: null, limit: "50", cursor: null };

test("an address without a query is the usual view, and the other way round", () => {
  expect(readView("")).toEqual(USUAL);
  expect(writeView(USUAL)).toBe("");
});

test("a view that is written and read is the same view", () => {
  const view: View = {
    filters: { q: "a&b=c ü", status: "error,timeout", since: "2026-11-23T06:00" },
    sort: { by: "next", descending: true },
    limit: "25",
    cursor: "WzFd+/=",
  };

  expect(readView(writeView(view))).toEqual(view);
});

test("commas and colons stay readable, as in the server's links", () => {
  const view = { ...USUAL, filters: { status: "error,timeout", since: "2026-11-23T06:00Z" } };

  expect(writeView(view)).toBe("?status=error,timeout&since=2026-11-23T06:00Z");
});

test("several values of one name are one filter, and empty ones are none", () => {
  expect(readView("?status=error&status=timeout&q=").filters).toEqual({ status: "error,timeout" });
});

test("an empty limit is the usual one, as on the server", () => {
  expect(readView("?limit=").limit).toBe("50");
});

test.each(["0", "1001", "2.5", "many"])("a limit of %j is left to the API to refuse", (limit) => {
  const view = readView(`?limit=${limit}`);

  expect(view.limit).toBe(limit);
  expect(writeView(view)).toBe(`?limit=${limit}`);
});

test("other filters begin at the first page and keep order and size", () => {
  const view: View = { filters: { q: "old" }, sort: { by: "name", descending: false }, limit: "25", cursor: "later" };

  expect(filtered(view, { q: "", tag: "new" })).toEqual({ ...view, filters: { tag: "new" }, cursor: null });
});

test("a column sorts upwards, then downwards, then not", () => {
  const up = sortedBy(USUAL, "name");
  const down = sortedBy(up, "name");

  expect(up.sort).toEqual({ by: "name", descending: false });
  expect(down.sort).toEqual({ by: "name", descending: true });
  expect(sortedBy(down, "name").sort).toBeNull();
  expect(sortedBy(down, "state").sort).toEqual({ by: "state", descending: false });
});
