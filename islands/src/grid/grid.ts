// One grid: the view that the address names, the rows of it, and what was wrong when they were read.

import { computed, readonly, ref, shallowRef } from "vue";

import { read, Refusal, send } from "../api/calls";
import type { Listing } from "../api/records";
import { tell } from "../page/flash";
import { goTo } from "../page/htmx";
import type { Family } from "../page/live";
import { sorted, type Sorts } from "./sorting";
import { readView, writeView, type View } from "./view";

/** Where the rows of a grid come from. */
export interface Source<Row> {
  /** The path of the list in the API. */
  api: string;
  /** The page that the grid is on, `schedules`. */
  page: string;
  /** The time zone of the instants that are shown; null is the viewer's. */
  zone: string | null;
  /** Which events change the rows. */
  families: readonly Family[];
  /** What each column is sorted by. */
  sorts: Sorts<Row>;
  /** Under which name an answer has the rows. */
  list: string;
  id(row: Row): string;
  /** What the API is asked for a view, where this is not just its filters and its limit. */
  query?(view: View): Record<string, string>;
}

interface Page<Row> {
  rows: readonly Row[];
  next: string | null;
}

export type Grid<Row> = ReturnType<typeof createGrid<Row>>;

export function createGrid<Row>(source: Source<Row>) {
  const view = shallowRef<View>(readView(location.search));
  const page = shallowRef<Page<Row>>({ rows: [], next: null });
  const refusal = shallowRef<Refusal | null>(null);
  const isBusy = ref(false);
  const news = shallowRef<ReadonlySet<string>>(new Set());
  let reading = new AbortController();

  /** Reads the rows of the view, and returns whether they have come; an answer is dropped where it is asked again. */
  async function load(): Promise<boolean> {
    reading.abort();
    const mine = (reading = new AbortController());
    isBusy.value = true;
    try {
      const answer = await read<Listing<Row>>(source.api, asked(source, view.value), mine.signal);
      if (mine === reading) take(answer);
    } catch (error) {
      if (mine === reading) fail(error);
    }
    if (mine !== reading) return false;
    isBusy.value = false;
    return refusal.value === null;
  }

  function take(answer: Listing<Row>): void {
    page.value = { rows: answer[source.list] as readonly Row[], next: answer.next_cursor };
    refusal.value = null;
  }

  /** Rows that were read stay while the server is away; a filter that it refuses has none. */
  function fail(error: unknown): void {
    if (!(error instanceof Refusal)) throw error;
    refusal.value = error;
    if (error.isOurs) page.value = { rows: [], next: null };
  }

  /** Reads the rows again; those that were not there before are news. */
  async function refresh(): Promise<void> {
    const known = new Set(page.value.rows.map(source.id));
    await load();
    news.value = new Set(page.value.rows.map(source.id).filter((id) => !known.has(id)));
  }

  /** Shows another view, under an address of its own. */
  async function show(next: View): Promise<void> {
    if (writeView(next) === writeView(view.value)) return void (await load());
    const sameRows = JSON.stringify({ ...next, sort: null }) === JSON.stringify({ ...view.value, sort: null });
    goTo(location.pathname + writeView(next));
    news.value = new Set();
    view.value = next;
    if (!sameRows) await load();
  }

  /** Asks the API for something about a row, tells what came of it, and reads the rows again. */
  async function act<Answer>(
    row: Row,
    verb: string,
    says: string | ((answer: Answer) => string),
    method: "POST" | "DELETE" = "POST",
  ): Promise<void> {
    const path = [source.api, encodeURIComponent(source.id(row)), ...(verb ? [verb] : [])].join("/");
    try {
      const answer = await send<Answer>(path, method);
      tell("success", typeof says === "string" ? says : says(answer));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      tell("error", error.text);
    }
    await load();
  }

  /** Shows the view of the address again, where the person has gone back or forward. */
  async function comeBack(): Promise<void> {
    view.value = readView(location.search);
    await load();
  }

  const rows = computed(() => sorted(page.value.rows, view.value.sort, source.sorts));
  return {
    source,
    view: readonly(view),
    rows,
    next: computed(() => page.value.next),
    refusal: readonly(refusal),
    isBusy: readonly(isBusy),
    isFiltered: computed(() => Object.keys(view.value.filters).length > 0),
    /** Whether the address asks for an order that there is. */
    isInOrder: computed(() => view.value.sort === null || view.value.sort.by in source.sorts),
    isNew: (row: Row) => news.value.has(source.id(row)),
    load,
    refresh,
    show,
    act,
    comeBack,
  };
}

function asked<Row>(source: Source<Row>, view: View): URLSearchParams {
  const query = new URLSearchParams(source.query?.(view) ?? { ...view.filters, limit: view.limit });
  if (view.cursor !== null) query.set("cursor", view.cursor);
  return query;
}
