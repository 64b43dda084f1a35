// Looks a page over. Evaluated by the tests, not by the page, so that it works where scripts do not run too.
() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });

  const painted = new Map();

  function paint(colour) {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data;
    return [red, green, blue, alpha / 255];
  }

  // Any CSS colour as red, green, blue from 0 to 255 and alpha from 0 to 1.
  function rgba(colour) {
    if (!painted.has(colour)) painted.set(colour, paint(colour));
    return painted.get(colour);
  }

  const over = (top, ground) => [0, 1, 2].map((at) => top[at] * top[3] + ground[at] * (1 - top[3])).concat(1);

  // https://www.w3.org/TR/WCAG22/#dfn-relative-luminance
  function luminance(colour) {
    const [red, green, blue] = colour.slice(0, 3).map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  }

  function contrast(one, other) {
    const [dark, bright] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (bright + 0.05) / (dark + 0.05);
  }

  const PAINT = /(?:rgba?|color|oklch|oklab|lab|lch|hsla?)\([^()]*\)/g;

  // The grounds that may lie behind the text of an element: one, or each colour of a gradient; null behind a picture.
  function grounds(element) {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      const style = getComputedStyle(at);
      if (style.backgroundImage !== "none") {
        if (style.backgroundImage.includes("url(")) return null;
        layers.push((style.backgroundImage.match(PAINT) ?? []).map(rgba));
      }
      const colour = rgba(style.backgroundColor);
      if (colour[3] > 0) layers.push([colour]);
      if (colour[3] === 1) break;
    }
    const schemes = getComputedStyle(document.documentElement).colorScheme
      + (document.querySelector("meta[name=color-scheme]")?.content ?? "");
    const dark = schemes.includes("dark") && matchMedia("(prefers-color-scheme: dark)").matches;
    let found = [dark ? [18, 18, 18, 1] : [255, 255, 255, 1]];
    for (const layer of layers.reverse()) found = layer.flatMap((colour) => found.map((ground) => over(colour, ground)));
    return found;
  }

  function opacity(element) {
    let found = 1;
    for (let at = element; at; at = at.parentElement) found *= Number(getComputedStyle(at).opacity);
    return found;
  }

  function isSeen(element, rect) {
    return rect.width > 1 && rect.height > 1 && rect.right > 0 && rect.bottom > 0
      && element.checkVisibility({ visibilityProperty: true, opacityProperty: true })
      && !element.closest(":disabled, [aria-disabled=true], .v-btn--disabled");
  }

  function place(element) {
    const name = element.tagName.toLowerCase();
    const id = element.id ? `#${element.id}` : "";
    const classes = typeof element.className === "string" ? element.className.trim().split(/\s+/).filter(Boolean) : [];
    return name + id + classes.map((one) => `.${one}`).join("");
  }

  const path = (element) => [element.parentElement?.parentElement, element.parentElement, element]
    .filter(Boolean).map(place).join(" > ");

  function faint(element, text, style) {
    const [red, green, blue, alpha] = rgba(element instanceof SVGElement ? style.fill : style.color);
    const ink = [red, green, blue, alpha * opacity(element)];
    const behind = grounds(element);
    if (behind === null) return [`${path(element)}: a picture lies behind "${text}"`];
    const worst = Math.min(...behind.map((ground) => contrast(over(ink, ground), ground)));
    return worst < 4.5 ? [`${path(element)}: "${text.slice(0, 40)}" has a contrast of ${worst.toFixed(2)}`] : [];
  }

  function faintTexts() {
    const found = [];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const text = texts.currentNode.textContent.trim();
      const element = texts.currentNode.parentElement;
      if (!text || ["SCRIPT", "STYLE", "NOSCRIPT", "OPTION"].includes(element.tagName)) continue;
      const range = document.createRange();
      range.selectNodeContents(texts.currentNode);
      if (isSeen(element, range.getBoundingClientRect())) found.push(...faint(element, text, getComputedStyle(element)));
    }
    for (const control of document.querySelectorAll("input, textarea, select")) {
      if (!isSeen(control, control.getBoundingClientRect())) continue;
      if (control.value) found.push(...faint(control, control.value, getComputedStyle(control)));
      else if (control.placeholder) {
        found.push(...faint(control, control.placeholder, getComputedStyle(control, "::placeholder")));
      }
    }
    return [...new Set(found)];
  }

  const scrollsItself = (element) => {
    for (let at = element.parentElement; at && at !== document.body; at = at.parentElement) {
      if (getComputedStyle(at).overflowX !== "visible") return true;
    }
    return false;
  };

  function tooWide() {
    const excess = document.documentElement.scrollWidth - document.documentElement.clientWidth;
    if (excess <= 0) return [];
    const outside = [...document.body.querySelectorAll("*")].filter((element) =>
      element.getBoundingClientRect().right > document.documentElement.clientWidth + 1 && !scrollsItself(element));
    return [`${excess} px wider than the window: ${outside.slice(0, 5).map(path).join("; ")}`];
  }

  // What can be seen only after moving a part sideways; a part that the Tab key reaches may be so.
  function cutOff() {
    return [...document.body.querySelectorAll("*")]
      .filter((element) => ["auto", "scroll"].includes(getComputedStyle(element).overflowX)
        && element.scrollWidth > element.clientWidth && element.tabIndex < 0)
      .map((element) => `${path(element)}: ${element.scrollWidth - element.clientWidth} px`);
  }

  function twice() {
    const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
    return [...new Set(ids.filter((id, at) => ids.indexOf(id) !== at))];
  }

  return {
    title: document.title,
    language: document.documentElement.lang,
    headings: [...document.querySelectorAll("h1")].map((heading) => heading.textContent.trim()),
    mains: document.querySelectorAll("main, [role=main]").length,
    faint: faintTexts(),
    too_wide: tooWide(),
    cut_off: cutOff(),
    ids_used_twice: twice(),
  };
}
