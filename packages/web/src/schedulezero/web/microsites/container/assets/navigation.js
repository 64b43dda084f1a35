// With htmx, where it is built: links and forms change the page in place. Here is what it leaves to us: where the focus
// and the scroll position go, what is told of errors, and a history without doubles.
const AWAY = "The server does not answer. Nothing is lost; try again in a moment.";
const scrolled = { to: 0 };

function tell(text) {
  document.dispatchEvent(new CustomEvent("sz:flash", { detail: { level: "error", text } }));
}

function parsed(xhr) {
  return new DOMParser().parseFromString(xhr.responseText, "text/html");
}

// What is no page is left to the browser. A form with its faults is a page like others; a page that only says what is
// wrong leaves the one we are on.
function receive({ detail }) {
  const { xhr } = detail;
  const isPage = xhr.getResponseHeader("Content-Type")?.startsWith("text/html");
  if (!isPage && xhr.status < 400) {
    detail.shouldSwap = false;
    location.assign(xhr.responseURL);
  } else if (xhr.status >= 400) {
    isPage && hasFaults(parsed(xhr)) ? showAll(detail) : tellFault(detail);
  }
}

function hasFaults(page) {
  return page.querySelector("main") && !page.getElementById("problem");
}

function showAll(detail) {
  [detail.shouldSwap, detail.isError] = [true, false];
  [detail.target, detail.selectOverride, detail.swapOverride] = [document.body, "unset", "innerHTML show:window:top"];
}

function tellFault(detail) {
  detail.isError = false;
  const fault = parsed(detail.xhr).getElementById("problem");
  tell(fault?.textContent ?? `The server answered with status ${detail.xhr.status}.`);
}

// Empty filters do not belong into an address.
function tidy({ detail }) {
  if (detail.verb !== "get") return;
  for (const [name, value] of Array.from(detail.formData)) if (value === "") detail.formData.delete(name);
}

function remember({ detail }) {
  history.replaceState({ ...history.state, scrolled: scrollY }, "");
  if (detail.history.path === location.pathname + location.search) detail.history.type = "replace";
}

function restore(event) {
  scrollTo(0, scrolled.to);
  attend(event);
}

// The focus goes to what is wrong; else it stays, or goes to what is new where that which had it is gone.
function attend({ detail }) {
  const isWrong = detail.xhr?.status >= 400;
  const fault = isWrong ? document.querySelector('main [role="alert"], main [aria-invalid="true"]') : null;
  if (!fault && document.activeElement && document.activeElement !== document.body) return;
  const news = fault ?? document.querySelector("main sz-flash") ?? document.getElementById("main");
  if (news.tabIndex < 0) news.setAttribute("tabindex", "-1");
  news.focus({ preventScroll: true });
}

function busy(is) {
  return () => document.documentElement.toggleAttribute("data-busy", is);
}

addEventListener("popstate", (event) => { scrolled.to = event.state?.scrolled ?? 0; }, { capture: true });
document.addEventListener("htmx:configRequest", tidy);
document.addEventListener("htmx:beforeRequest", busy(true));
document.addEventListener("htmx:afterRequest", busy(false));
document.addEventListener("htmx:beforeSwap", receive);
document.addEventListener("htmx:beforeHistoryUpdate", remember);
document.addEventListener("htmx:afterSettle", attend);
document.addEventListener("htmx:historyRestore", restore);
document.addEventListener("htmx:historyCacheMiss", ({ detail }) => { detail.xhr.onerror = () => location.reload(); });
document.addEventListener("htmx:historyCacheMissLoadError", () => location.reload());
for (const name of ["htmx:sendError", "htmx:timeout"]) document.addEventListener(name, () => tell(AWAY));
