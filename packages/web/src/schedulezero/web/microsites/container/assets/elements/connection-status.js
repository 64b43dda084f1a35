// Whether the page is told of what happens, in a word.
import { connection } from "../live.js";

const WORDS = { live: "Live", lost: "Not connected" };

class ConnectionStatus extends HTMLElement {
  connectedCallback() {
    this.setAttribute("role", "status");
    this.listening = new AbortController();
    document.addEventListener("sz:connection", () => this.say(connection()), { signal: this.listening.signal });
    this.say(connection());
  }

  disconnectedCallback() {
    this.listening.abort();
  }

  // What a screen reader would read out is changed only when it differs.
  say(state) {
    if (this.getAttribute("state") === state) return;
    this.setAttribute("state", state);
    this.textContent = WORDS[state] ?? "";
  }
}

customElements.define("connection-status", ConnectionStatus);
