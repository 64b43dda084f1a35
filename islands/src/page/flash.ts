// Tells the person at the page something, by the page's own element for it.

export type Level = "success" | "error" | "info";

export function tell(level: Level, text: string): void {
  document.dispatchEvent(new CustomEvent("sz:flash", { detail: { level, text } }));
}
