// Small elements that pages use; each page is whole without them.
"use strict";

const LONGEST_PAUSE_MS = 15000;

// Whether the live feed is connected, said in a word.
class ConnectionStatus extends HTMLElement {
  connectedCallback() {
    this.setAttribute("role", "status");
    this.pauseMs = 1000;
    this.open();
    addEventListener("pagehide", () => this.close());
    addEventListener("pageshow", (event) => event.persisted && this.open());
  }

  disconnectedCallback() {
    this.close();
  }

  open() {
    this.socket = new WebSocket(new URL("/ws", location.href.replace(/^http/, "ws")));
    this.socket.addEventListener("open", () => {
      this.pauseMs = 1000;
      this.say("live", "Live");
    });
    this.socket.addEventListener("close", () => {
      this.say("lost", "Not connected");
      this.timer = setTimeout(() => this.open(), this.pauseMs);
      this.pauseMs = Math.min(2 * this.pauseMs, LONGEST_PAUSE_MS);
    }, { signal: (this.ending = new AbortController()).signal });
  }

  close() {
    this.ending?.abort();
    clearTimeout(this.timer);
    this.socket?.close();
  }

  // What a screen reader would read out is changed only when it differs.
  say(state, text) {
    if (this.getAttribute("state") === state) return;
    this.setAttribute("state", state);
    this.textContent = text;
  }
}

// A button that copies the text of the element that `for` names.
class CopyButton extends HTMLElement {
  connectedCallback() {
    if (!navigator.clipboard) return;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      const source = document.getElementById(this.getAttribute("for"));
      try {
        await navigator.clipboard.writeText(source.textContent);
        button.textContent = "Copied";
      } catch {
        button.textContent = "Not permitted";
      }
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
    this.replaceChildren(button);
  }
}

// What a form has done; it can be put away.
class Flash extends HTMLElement {
  connectedCallback() {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Dismiss";
    button.addEventListener("click", () => this.remove());
    this.append(button);
  }
}

customElements.define("connection-status", ConnectionStatus);
customElements.define("copy-button", CopyButton);
customElements.define("sz-flash", Flash);
