// @vitest-environment happy-dom

import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { follow, LEAST_PAUSE_MS } from "../src/page/live";

const ends: (() => void)[] = [];

beforeEach(() => vi.useFakeTimers());
afterEach(() => {
  for (const end of ends.splice(0)) end();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

function following(refresh = vi.fn(async () => {})) {
  const end = follow(["execution"], refresh);
  ends.push(end);
  return { refresh, end };
}

function happens(family: string): void {
  document.dispatchEvent(new CustomEvent("sz:live", { detail: { family, events: [] } }));
}

test("what happens at once is read once, and again after a pause", async () => {
  const { refresh } = following();

  for (let n = 0; n < 100; n++) happens("execution");
  await vi.advanceTimersByTimeAsync(0);
  expect(refresh).toHaveBeenCalledTimes(1);

  happens("execution");
  await vi.advanceTimersByTimeAsync(LEAST_PAUSE_MS - 1);
  expect(refresh).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(refresh).toHaveBeenCalledTimes(2);
});

test("events of other families change nothing, a gap may have changed anything", async () => {
  const { refresh } = following();

  happens("handler");
  await vi.runAllTimersAsync();
  expect(refresh).not.toHaveBeenCalled();

  document.dispatchEvent(new CustomEvent("sz:resync"));
  await vi.runAllTimersAsync();
  expect(refresh).toHaveBeenCalledTimes(1);
});

test("what happens while it is being read is read afterwards", async () => {
  let finish = () => {};
  const { refresh } = following(vi.fn(() => new Promise<void>((resolve) => (finish = resolve))));
  happens("execution");
  await vi.advanceTimersByTimeAsync(0);

  happens("execution");
  await vi.advanceTimersByTimeAsync(10 * LEAST_PAUSE_MS);
  expect(refresh).toHaveBeenCalledTimes(1);
  finish();
  await vi.advanceTimersByTimeAsync(LEAST_PAUSE_MS);

  expect(refresh).toHaveBeenCalledTimes(2);
});

test("a hidden page is read when it is seen again", async () => {
  const hidden = vi.spyOn(document, "hidden", "get").mockReturnValue(true);
  const { refresh } = following();
  happens("execution");
  await vi.runAllTimersAsync();
  expect(refresh).not.toHaveBeenCalled();

  hidden.mockReturnValue(false);
  document.dispatchEvent(new Event("visibilitychange"));
  await vi.runAllTimersAsync();

  expect(refresh).toHaveBeenCalledTimes(1);
});

test("after its end nothing is read, not even what was wanted before", async () => {
  const { refresh, end } = following();
  happens("execution");

  end();
  happens("execution");
  await vi.runAllTimersAsync();

  expect(refresh).not.toHaveBeenCalled();
});
