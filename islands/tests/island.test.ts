// @vitest-environment happy-dom

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { defineComponent, h } from "vue";

import { island } from "../src/island/island";
import { serve, type Asked } from "./api";

interface Row {
  id: string;
}

const Names = defineComponent({
  props: { grid: { type: Object, required: true } },
  setup: ({ grid }) => () => h("ul", grid["rows"].value.map((row: Row) => h("li", row.id))),
});

let ids: string[] | Error = [];
let asked: Asked[] = [];
let number = 0;

beforeEach(() => {
  history.replaceState(null, "", "/things");
  ids = ["a", "b"];
  asked = serve(() => (ids instanceof Error ? ids : { body: { things: ids.map((id) => ({ id })), next_cursor: null } }));
});

afterEach(() => {
  document.dispatchEvent(new CustomEvent("htmx:beforeHistorySave"));
  document.body.replaceChildren();
  vi.unstubAllGlobals();
});

/** Defines an island, with a host of its own on the page as the server has rendered it. */
function begin(): HTMLElement {
  const name = `things-${number++}`;
  const host = page(name);
  island<Row>(name, Names, (props) => ({
    ...props,
    page: "things",
    list: "things",
    families: ["schedule"],
    id: (row) => row.id,
    sorts: { id: (row) => row.id },
  }));
  return host;
}

function page(name: string): HTMLElement {
  const props = JSON.stringify({ api: "/api/things", zone: null });
  const host = document.createElement("div");
  host.dataset["island"] = name;
  host.dataset["props"] = props;
  host.innerHTML = "<p>the server's table</p><button>the server's</button>";
  document.body.append(host);
  return host;
}

/** Once the API has been asked so often, and what follows from its answers has been done. */
async function answered(times: number): Promise<void> {
  await vi.waitUntil(() => asked.length >= times, 3000);
  await new Promise((resolve) => setTimeout(resolve));
}

const isMounted = (host: HTMLElement) => "mounted" in host.dataset;
const tell = (name: string, detail?: unknown) => document.dispatchEvent(new CustomEvent(name, { detail }));

test("it takes the place of the server's table when its rows have come", async () => {
  const host = begin();
  expect(host.textContent).toContain("the server's table");

  await vi.waitUntil(() => isMounted(host));

  expect(host.textContent).toBe("ab");
});

test("the server's table stays while the API does not answer, and goes when it does", async () => {
  ids = new TypeError("Failed to fetch");
  const host = begin();
  await answered(1);
  expect(isMounted(host)).toBe(false);

  ids = ["a"];
  tell("sz:resync");
  await vi.waitUntil(() => isMounted(host), 3000);

  expect(host.textContent).toBe("a");
});

test("what the server says where there is nothing stays until there is something", async () => {
  ids = [];
  const host = begin();
  tell("sz:live", { family: "schedule" });
  await answered(2);
  expect(isMounted(host)).toBe(false);

  ids = ["first"];
  tell("sz:live", { family: "schedule" });

  await vi.waitUntil(() => isMounted(host), 3000);
});

test("an order that there is none of is left to the server to refuse", async () => {
  history.replaceState(null, "", "/things?sort=nonsense");
  const host = begin();

  await answered(1);

  expect(isMounted(host)).toBe(false);
});

test("what somebody is using is taken away only when it is left", async () => {
  const host = page(`things-${number}`);
  const button = host.querySelector("button");
  button?.focus();
  const other = begin();
  await vi.waitUntil(() => isMounted(other));
  expect(isMounted(host)).toBe(false);

  button?.blur();

  expect(isMounted(host)).toBe(true);
});

test("what htmx keeps of a page is what the server has sent", async () => {
  const host = begin();
  const served = host.innerHTML;
  await vi.waitUntil(() => isMounted(host));

  tell("htmx:beforeHistorySave");

  expect(host.innerHTML).toBe(served);
  expect(isMounted(host)).toBe(false);
});

test("a page that htmx brings is found, and one that it takes away is left", async () => {
  const host = begin();
  await vi.waitUntil(() => isMounted(host));

  document.body.dispatchEvent(new CustomEvent("htmx:beforeCleanupElement", { bubbles: true }));
  expect(isMounted(host)).toBe(false);
  host.remove();
  const next = page(host.dataset["island"] ?? "");
  tell("htmx:load");

  await vi.waitUntil(() => isMounted(next));
});
