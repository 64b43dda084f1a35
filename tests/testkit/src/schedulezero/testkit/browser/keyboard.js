// Follows the focus through a page. Evaluated by the tests; it runs nothing by itself.
() => {
  const OPERATED = "a[href], button, input, select, textarea, summary, [tabindex]";
  const MARKS = ["outlineStyle", "outlineWidth", "boxShadow", "borderColor", "backgroundColor", "opacity"];

  function isReached(element) {
    if (element.disabled || element.tabIndex < 0 || element.type === "hidden") return false;
    if (!element.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true })) return false;
    if (element.type !== "radio") return true;
    const group = [...document.querySelectorAll(`input[type=radio][name="${CSS.escape(element.name)}"]`)];
    return element === (group.find((one) => one.checked) ?? group[0]);
  }

  function called(element) {
    const label = element.getAttribute("aria-label") ?? element.labels?.[0]?.textContent ?? element.textContent;
    return `${element.tagName.toLowerCase()} ${label.trim().replace(/\s+/g, " ").slice(0, 50)}${element.id ? ` #${element.id}` : ""}`;
  }

  // How an element, its label and its surroundings are drawn: what a focus ring may change.
  function drawn(element) {
    const drawnAs = [];
    for (let at = element, up = 0; at && up < 3; at = at.parentElement, up += 1) {
      for (const part of [null, "::before", "::after"]) {
        const style = getComputedStyle(at, part);
        drawnAs.push(MARKS.map((name) => style[name]).join());
      }
      for (const inner of at === element ? [] : at.children) drawnAs.push(getComputedStyle(inner).opacity);
    }
    return drawnAs.join("|");
  }

  const hasRing = (element) => {
    const { outlineStyle, outlineWidth } = getComputedStyle(element);
    return outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
  };

  document.body.tabIndex = -1;
  document.body.focus();
  document.body.removeAttribute("tabindex");
  const operated = [...document.querySelectorAll(OPERATED)].filter(isReached);
  const atRest = new Map(operated.map((element) => [element, drawn(element)]));

  window.walk = {
    stops: [],
    unmarked: [],
    expected: () => operated.map(called),
    // Note where the focus is; tell whether it is back at the top.
    step() {
      const element = document.activeElement;
      if (element === document.body || (element === operated[0] && this.stops.length)) return true;
      if (!atRest.has(element)) return false;
      this.stops.push(called(element));
      if (!hasRing(element) && drawn(element) === atRest.get(element)) this.unmarked.push(called(element));
      return false;
    },
  };
}
