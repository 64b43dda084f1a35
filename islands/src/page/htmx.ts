// The page's htmx, where it is loaded: links are followed and the history is kept as everywhere else on the pages.

declare global {
  interface Window {
    htmx?: { process(element: Element): void };
  }
}

/** Lets htmx take over the links of `element`, as it does those of the page. */
export function adopt(element: Element): void {
  window.htmx?.process(element);
}

/** Goes to another address of this page. Going back to it is left to htmx where it is, which knows pages as well. */
export function goTo(address: string): void {
  const state = window.htmx ? { htmx: true } : null;
  history.replaceState(state ?? history.state, "", location.href);
  history.pushState(state, "", address);
}

/** Calls `read` when the person has gone back or forward among the addresses of this page. */
export function onReturn(read: () => void): () => void {
  const listener = (event: PopStateEvent) => {
    if (!event.state?.htmx) read();
  };
  addEventListener("popstate", listener);
  return () => removeEventListener("popstate", listener);
}
