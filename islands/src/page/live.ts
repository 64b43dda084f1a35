// Follows what the page's live connection tells, and reads again at most once a second.

export type Family = "execution" | "handler" | "schedule";

export const LEAST_PAUSE_MS = 1000;

/**
 * Calls `refresh` after events of these families and after a gap; many events are one call, and none is made while
 * the page is hidden or the call before it goes on.
 *
 * @returns what ends it.
 */
export function follow(families: readonly Family[], refresh: () => Promise<void>): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let wanted = false;
  let running = false;
  let earliest = 0;
  const ending = new AbortController();

  function soon(): void {
    wanted = true;
    if (timer !== undefined || running || document.hidden || ending.signal.aborted) return;
    timer = setTimeout(run, Math.max(0, earliest - Date.now()));
  }

  async function run(): Promise<void> {
    timer = undefined;
    wanted = false;
    running = true;
    try {
      await refresh();
    } finally {
      running = false;
      earliest = Date.now() + LEAST_PAUSE_MS;
      if (wanted) soon();
    }
  }

  const { signal } = ending;
  document.addEventListener("sz:live", (event) => concerns(event, families) && soon(), { signal });
  document.addEventListener("sz:resync", soon, { signal });
  document.addEventListener("visibilitychange", () => wanted && soon(), { signal });
  return () => {
    ending.abort();
    clearTimeout(timer);
  };
}

function concerns(event: Event, families: readonly Family[]): boolean {
  return event instanceof CustomEvent && families.includes(event.detail?.family);
}
