// @vitest-environment happy-dom

import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { createGrid, type Source } from "../src/grid/grid";
import { filtered, sortedBy } from "../src/grid/view";
import { query } from "../src/executions/executions";
import { serve, told } from "./api";

interface Row {
  id: string;
}

const SOURCE: Source<Row> = {
  api: "/api/things",
  zone: null,
  page: "things",
  list: "things",
  families: ["schedule"],
  id: (row) => row.id,
  sorts: { id: (row) => row.id },
};

const things = (...ids: string[]) => ({ body: { things: ids.map((id) => ({ id })), next_cursor: null } });

beforeEach(() => history.replaceState(null, "", "/things"));
afterEach(() => vi.unstubAllGlobals());

function gridOf() {
  const grid = createGrid(SOURCE);
  return { grid, ids: () => grid.rows.value.map((row) => row.id) };
}

test("the address says what is read", async () => {
  history.replaceState(null, "", "/things?q=nightly&limit=25&cursor=later&sort=-id");
  const asked = serve(() => things("a", "b"));
  const { grid, ids } = gridOf();

  expect(await grid.load()).toBe(true);

  expect(asked).toEqual([{ method: "GET", path: "/api/things?q=nightly&limit=25&cursor=later" }]);
  expect(ids()).toEqual(["b", "a"]);
});

test("another view has an address of its own, and one can go back", async () => {
  serve(({ path }) => (path.includes("tag=") ? things("b") : things("a")));
  const { grid, ids } = gridOf();
  await grid.load();

  await grid.show(filtered(grid.view.value, { tag: "x" }));
  expect([location.search, ids()]).toEqual(["?tag=x", ["b"]]);

  history.replaceState(null, "", "/things");
  await grid.comeBack();
  expect(ids()).toEqual(["a"]);
});

test("another order of the same rows is not read again", async () => {
  const asked = serve(() => things("a", "b"));
  const { grid, ids } = gridOf();
  await grid.load();

  await grid.show(sortedBy(sortedBy(grid.view.value, "id"), "id"));

  expect(ids()).toEqual(["b", "a"]);
  expect(asked).toHaveLength(1);
});

test("an answer that comes after a newer question is dropped", async () => {
  const waiting: (() => void)[] = [];
  vi.stubGlobal("fetch", (path: string) => {
    const { body } = path.includes("tag=new") ? things("new") : things("old");
    return new Promise((resolve) => waiting.push(() => resolve(new Response(JSON.stringify(body)))));
  });
  const { grid, ids } = gridOf();
  const first = grid.load();
  const second = grid.show(filtered(grid.view.value, { tag: "new" }));

  waiting[1]?.();
  waiting[0]?.();
  await second;

  expect(await first).toBe(false);
  expect(ids()).toEqual(["new"]);
});

test("a filter that is refused has no rows and names the field", async () => {
  const refused = { code: "invalid_value", message: "refused", details: [{ path: "tag", message: "too long" }] };
  serve(({ path }) => (path.includes("tag=") ? { status: 422, body: { error: refused } } : things("a")));
  const { grid, ids } = gridOf();
  await grid.load();

  await grid.show(filtered(grid.view.value, { tag: "x" }));

  expect(ids()).toEqual([]);
  expect(grid.refusal.value?.isOurs).toBe(true);
  expect(grid.refusal.value?.text).toBe("tag: too long");
});

test.each([
  ["is away", new TypeError("Failed to fetch")],
  ["is busy", { status: 503, body: { error: { message: "the scheduler does not answer", details: [] } } }],
  ["answers with something else", { status: 502, body: "<html>" }],
])("rows stay while the server %s", async (_, answer) => {
  let isAway = false;
  serve(() => (isAway ? answer : things("a")));
  const { grid, ids } = gridOf();
  await grid.load();

  isAway = true;

  expect(await grid.load()).toBe(false);
  expect(ids()).toEqual(["a"]);
  expect(grid.refusal.value?.isOurs).toBe(false);
});

test("rows that were not there before are new", async () => {
  let ids = ["a"];
  serve(() => things(...ids));
  const { grid } = gridOf();
  await grid.load();

  ids = ["b", "a"];
  await grid.refresh();

  expect([grid.isNew({ id: "b" }), grid.isNew({ id: "a" })]).toEqual([true, false]);
});

test("what is done to a row is told, and the rows are read again", async () => {
  const heard = told();
  const asked = serve(({ method }) => (method === "GET" ? things("a/b") : { body: { n: 7 } }));
  const { grid } = gridOf();

  await grid.act<{ n: number }>({ id: "a/b" }, "ping", ({ n }) => `answered ${n}`);

  expect(asked.map(({ method, path }) => `${method} ${path}`)).toEqual([
    "POST /api/things/a%2Fb/ping",
    "GET /api/things?limit=50",
  ]);
  expect(heard).toEqual([{ level: "success", text: "answered 7" }]);
});

test("what cannot be done is told with the field at fault", async () => {
  const heard = told();
  const error = { message: "refused", details: [{ path: "reason", message: "too long" }] };
  serve(({ method }) => (method === "GET" ? things("a") : { status: 422, body: { error } }));
  const { grid } = gridOf();

  await grid.act({ id: "a" }, "", "never said", "DELETE");

  expect(heard).toEqual([{ level: "error", text: "reason: too long" }]);
});

test("times without a zone are asked for in UTC", () => {
  const view = { filters: { since: "2026-11-23T06:00", q: "x" }, sort: null, limit: "50", cursor: null };

  expect(query(view)).toEqual({ since: "2026-11-23T06:00Z", q: "x", limit: "50" });
});
