// Keeps the focus where it was while rows come, go and change places.

import { nextTick } from "vue";

/** To be called before the rows within `root` change. */
export async function keepFocus(root: HTMLElement): Promise<void> {
  const focused = document.activeElement;
  const row = focused?.closest<HTMLTableRowElement>("tbody tr");
  if (!(focused instanceof HTMLElement) || !row || !root.contains(row)) return;
  const index = row.sectionRowIndex;
  await nextTick();
  if (!row.isConnected) nearest(root, index)?.focus();
  else if (document.activeElement !== focused) focused.focus({ preventScroll: true });
}

/** What can be focused in the row that has taken the place, or where no row is left, at the filters. */
function nearest(root: HTMLElement, index: number): HTMLElement | null {
  const rows = root.querySelectorAll("tbody tr");
  const row = rows[Math.min(index, rows.length - 1)];
  return (row ?? root).querySelector<HTMLElement>("a, button, summary");
}
