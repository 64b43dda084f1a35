// What has just been done, or has gone wrong; it can be put away.
// Scripts have something told by the event `sz:flash` on the document: {level: "success" | "error" | "info", text}.
class Flash extends HTMLElement {
  connectedCallback() {
    if (this.querySelector("button")) return;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Dismiss";
    button.addEventListener("click", () => this.remove());
    this.append(button);
  }
}

function tell({ level = "info", text }) {
  const flash = document.createElement("sz-flash");
  flash.className = `banner ${level}`;
  flash.setAttribute("role", level === "error" ? "alert" : "status");
  const words = document.createElement("p");
  words.textContent = text;
  flash.append(words);
  document.getElementById("flashes").replaceChildren(flash);
}

customElements.define("sz-flash", Flash);
document.addEventListener("sz:flash", (event) => tell(event.detail));
