// The navigation: a button opens it where the page is narrow, arrows move along it. Without this it is a plain list.
const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

class Nav extends HTMLElement {
  connectedCallback() {
    this.list = this.querySelector("ul");
    this.button = this.querySelector("button") ?? this.makeButton();
    this.addEventListener("keydown", (event) => this.press(event));
    this.show(false);
  }

  makeButton() {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Menu";
    button.setAttribute("aria-controls", this.list.id);
    button.addEventListener("click", () => this.show(!this.isOpen));
    this.list.before(button);
    return button;
  }

  get isOpen() {
    return this.button.getAttribute("aria-expanded") === "true";
  }

  show(open) {
    this.button.setAttribute("aria-expanded", String(open));
  }

  press(event) {
    const links = Array.from(this.list.querySelectorAll("a"));
    const at = links.indexOf(document.activeElement);
    if (event.key === "Escape" && this.isOpen) {
      this.show(false);
      this.button.focus();
    } else if (event.key in STEPS && at >= 0) {
      event.preventDefault();
      links[(at + STEPS[event.key] + links.length) % links.length].focus();
    }
  }
}

customElements.define("sz-nav", Nav);
