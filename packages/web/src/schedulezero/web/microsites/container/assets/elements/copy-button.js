// A button that copies the text of the element that `for` names.
const SHOWN_MS = 2000;

class CopyButton extends HTMLElement {
  connectedCallback() {
    if (!navigator.clipboard) return;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Copy";
    button.setAttribute("aria-live", "polite");
    button.addEventListener("click", () => this.copy(button));
    this.replaceChildren(button);
  }

  async copy(button) {
    const source = document.getElementById(this.getAttribute("for"));
    try {
      await navigator.clipboard.writeText(source.textContent);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Not permitted";
    }
    setTimeout(() => { button.textContent = "Copy"; }, SHOWN_MS);
  }
}

customElements.define("copy-button", CopyButton);
