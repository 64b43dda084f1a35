// Keeps the page current: fetches it again and puts in the parts that have changed. Without it the page reloads itself.
"use strict";

const PERIOD_MS = 2000;
const lost = document.getElementById("lost");

// Elements with an id that were not there before are news, and shown as such.
function renew(current, next) {
  if (current.source === next.innerHTML) return;
  current.source = next.innerHTML;
  const focused = document.activeElement;
  const held = current.contains(focused) ? focused.id : "";
  const known = new Set(Array.from(current.querySelectorAll("[id]"), (element) => element.id));
  for (const element of next.querySelectorAll("[id]")) {
    if (!known.has(element.id)) element.classList.add("fresh");
  }
  current.replaceChildren(...next.childNodes);
  if (held) document.getElementById(held)?.focus();
}

async function refresh() {
  const answer = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout(10000) });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const current of document.querySelectorAll("[data-live]")) {
    const next = page.getElementById(current.id);
    if (next) renew(current, next);
  }
  document.dispatchEvent(new Event("sz-renewed"));
}

async function keepCurrent() {
  if (!document.hidden) {
    try {
      await refresh();
      if (lost) lost.hidden = true;
    } catch {
      if (lost) lost.hidden = false;
    }
  }
  setTimeout(keepCurrent, PERIOD_MS);
}

setTimeout(keepCurrent, PERIOD_MS);
