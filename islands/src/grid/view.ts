// What part of a list is shown: read from the address and written to it, as the server reads and writes it.

export const PAGE_SIZE = "50";

export interface Sort {
  by: string;
  descending: boolean;
}

export interface View {
  /** What the list is filtered by; several values of one name are separated by commas. */
  filters: Readonly<Record<string, string>>;
  sort: Sort | null;
  /** How many rows a page has, as the address says it: whether it may be so is for the API to say. */
  limit: string;
  cursor: string | null;
}

/** Reads the query string of an address. */
export function readView(search: string): View {
  const { sort, limit, cursor, ...filters } = values(new URLSearchParams(search));
  return { filters, sort: readSort(sort), limit: limit ?? PAGE_SIZE, cursor: cursor ?? null };
}

/** The query string of an address, `?` included; empty where the view is the usual one. */
export function writeView(view: View): string {
  const query = new URLSearchParams(named(view.filters));
  if (view.sort) query.set("sort", (view.sort.descending ? "-" : "") + view.sort.by);
  if (view.limit !== PAGE_SIZE) query.set("limit", view.limit);
  if (view.cursor !== null) query.set("cursor", view.cursor);
  return query.size > 0 ? `?${readable(query)}` : "";
}

/** The view from its beginning, with other filters. */
export function filtered(view: View, filters: Readonly<Record<string, string>>): View {
  return { ...view, filters: Object.fromEntries(named(filters)), cursor: null };
}

/** The view sorted by a column: upwards first, then downwards, then as the server sorts. */
export function sortedBy(view: View, by: string): View {
  if (view.sort?.by !== by) return { ...view, sort: { by, descending: false } };
  return { ...view, sort: view.sort.descending ? null : { by, descending: true } };
}

function values(query: URLSearchParams): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, text] of query) {
    if (text !== "") found[name] = name in found ? `${found[name]},${text}` : text;
  }
  return found;
}

function readSort(text: string | undefined): Sort | null {
  if (!text) return null;
  return text.startsWith("-") ? { by: text.slice(1), descending: true } : { by: text, descending: false };
}

function named(filters: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(filters).filter(([, text]) => text !== "");
}

function readable(query: URLSearchParams): string {
  return query.toString().replaceAll("%2C", ",").replaceAll("%3A", ":");
}
