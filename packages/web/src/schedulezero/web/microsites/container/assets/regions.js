// Keeps parts of a page current: <div id="…" data-live="execution schedule"> is fetched anew when one of these happens.
// At most once a second, and only what differs is touched: focus, open details and what is being typed survive.
import { morph } from "./morph.js";
import { show } from "./times.js";

const SHORTEST_PAUSE_MS = 1000;
const PATIENCE_MS = 10000;

let wanted = false;
let busy = false;
let readyAt = 0;
let timer = 0;

function regions() {
  return Array.from(document.querySelectorAll("[data-live]"));
}

function follows(family) {
  return regions().some((region) => region.dataset.live.split(" ").includes(family));
}

function want() {
  wanted = true;
  plan();
}

function plan() {
  clearTimeout(timer);
  if (!wanted || busy || document.hidden || !regions().length) return;
  timer = setTimeout(renew, Math.max(0, readyAt - performance.now()));
}

async function renew() {
  [wanted, busy] = [false, true];
  const address = location.href;
  try {
    const page = await read(address);
    if (location.href === address) put(page);
  } catch {
    // The connection status says so; what was last known stays, and is asked for again in a while.
  } finally {
    readyAt = performance.now() + SHORTEST_PAUSE_MS;
    busy = false;
    plan();
  }
}

async function read(address) {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const answer = await fetch(address, { cache: "no-store", headers: { "Sz-Live": "1" }, signal });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

function put(page) {
  show(page);
  for (const region of regions()) {
    const next = page.getElementById(region.id);
    if (!next) continue;
    morph(region, next);
    window.htmx?.process(region);
  }
}

document.addEventListener("sz:live", (event) => follows(event.detail.family) && want());
document.addEventListener("sz:resync", want);
document.addEventListener("visibilitychange", want);
document.addEventListener("htmx:load", plan);
