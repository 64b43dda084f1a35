// The order of the rows that are shown; the same as the server's, so that a reload changes nothing.

import type { Sort } from "./view";

export type Sortable = string | number | null;
export type Sorts<Row> = Readonly<Record<string, (row: Row) => Sortable>>;

/** The rows in the order of `sort`; what has no value is last either way, and equal rows stay as they were. */
export function sorted<Row>(rows: readonly Row[], sort: Sort | null, sorts: Sorts<Row>): readonly Row[] {
  const value = sort && Object.hasOwn(sorts, sort.by) ? sorts[sort.by] : undefined;
  if (!sort || !value) return rows;
  const direction = sort.descending ? -1 : 1;
  return rows.toSorted((one, other) => compared(value(one), value(other), direction));
}

/** An instant as what it is sorted by. */
export function instant(text: string | null): number | null {
  return text === null ? null : Date.parse(text);
}

function compared(one: Sortable, other: Sortable, direction: number): number {
  if (one === null || other === null) return Number(one === null) - Number(other === null);
  if (typeof one === "number" && typeof other === "number") return direction * (one - other);
  return direction * comparedWords(String(one), String(other));
}

/** As people do it: whatever the case, and numbers by their value. */
function comparedWords(one: string, other: string): number {
  const ours = parts(one);
  const theirs = parts(other);
  for (let at = 0; at < Math.min(ours.length, theirs.length); at++) {
    const difference = comparedParts(ours[at] as string | number, theirs[at] as string | number);
    if (difference !== 0) return difference;
  }
  return ours.length - theirs.length;
}

function parts(text: string): (string | number)[] {
  const found = text.toLowerCase().match(/\d+|\D+/g) ?? [];
  return found.map((part) => (/\d/.test(part) ? Number(part) : part));
}

function comparedParts(one: string | number, other: string | number): number {
  if (typeof one === "number" && typeof other === "number") return one - other;
  if (typeof one === "number" || typeof other === "number") return typeof one === "number" ? -1 : 1;
  return one < other ? -1 : Number(one > other);
}
