// The life of an island: it takes the place of what the server has rendered, and gives it back.

import { createApp, type App, type Component } from "vue";

import { createGrid, type Grid, type Source } from "../grid/grid";
import { adopt, onReturn } from "../page/htmx";
import { follow } from "../page/live";
import { createVuetifyFor } from "./vuetify";

/** What a page says to an island, as JSON in `data-props`. */
export interface Props {
  /** The path of the list in the API. */
  api: string;
  /** The time zone to show instants in; null is the viewer's. */
  zone: string | null;
}

/**
 * Mounts a grid on every element that asks for it, `<div data-island="NAME">`, now and after each swap of htmx.
 *
 * @param name what elements ask for.
 * @param component shows the grid that it is given as `grid`.
 * @param source says where the rows come from.
 */
export function island<Row>(name: string, component: Component, source: (props: Props) => Source<Row>): void {
  const islands = new Map<HTMLElement, Island<Row>>();

  function seek(): void {
    endThose((host) => !host.isConnected);
    for (const host of document.querySelectorAll<HTMLElement>(`[data-island="${name}"]`)) {
      if (!islands.has(host)) islands.set(host, new Island(host, component, createGrid(source(propsOf(host)))));
    }
  }

  function endThose(are: (host: HTMLElement) => boolean): void {
    for (const [host, one] of [...islands].filter(([host]) => are(host))) {
      islands.delete(host);
      one.end();
    }
  }

  document.addEventListener("htmx:load", seek);
  document.addEventListener("htmx:beforeCleanupElement", (event) => {
    const going = event.target;
    if (going instanceof HTMLElement) endThose((host) => going.contains(host));
  });
  // What htmx keeps of a page is what the server has sent: an island is made anew when it comes back.
  document.addEventListener("htmx:beforeHistorySave", () => endThose(() => true));
  seek();
}

/** One of them. Until its first rows are read the server's table stays, and so it does while there are none. */
class Island<Row> {
  private app: App | undefined;
  private served: ChildNode[] = [];
  private readonly endings: (() => void)[];

  constructor(
    private readonly host: HTMLElement,
    private readonly component: Component,
    private readonly grid: Grid<Row>,
  ) {
    this.endings = [
      follow(grid.source.families, () => (this.app ? grid.refresh() : this.begin())),
      onReturn(() => void (this.app && grid.comeBack())),
      () => host.removeEventListener("focusout", this.left),
    ];
    void this.begin();
  }

  end(): void {
    for (const ending of this.endings) ending();
    if (!this.app) return;
    this.app.unmount();
    this.host.replaceChildren(...this.served);
    delete this.host.dataset["mounted"];
  }

  private async begin(): Promise<void> {
    const { load, rows, isFiltered, isInOrder } = this.grid;
    // The server's page says what is wrong with an address, and what to do where there is nothing yet.
    if (!(await load()) || !isInOrder.value || (rows.value.length === 0 && !isFiltered.value)) return;
    // What somebody is using is not taken away.
    if (this.host.contains(document.activeElement)) this.host.addEventListener("focusout", this.left);
    else this.mount();
  }

  private readonly left = (event: FocusEvent): void => {
    if (!this.host.contains(event.relatedTarget as Node | null)) this.mount();
  };

  private mount(): void {
    if (this.app || !this.host.isConnected) return;
    const root = document.createElement("div");
    this.app = createApp(this.component, { grid: this.grid });
    this.app.use(createVuetifyFor(document));
    this.app.mount(root);
    this.served = [...this.host.childNodes];
    this.host.replaceChildren(root);
    this.host.dataset["mounted"] = "";
    adopt(root);
  }
}

function propsOf(host: HTMLElement): Props {
  return JSON.parse(host.dataset["props"] ?? "") as Props;
}
