// Shows instants in the viewer's time zone, and how far they are as time goes by; UTC is in their title.
// Pages themselves say UTC, and how far it was when they were made.
const TICK_MS = 1000;
const UNITS = [[86400, "day"], [3600, "h"], [60, "min"], [1, "s"]];
const clock = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

// How far the server's clock is ahead of ours.
const ahead = Date.parse(document.querySelector('meta[name="now"]').content) - Date.now();

// `in 5 min`, `3 s ago`: the largest unit of which there is one.
function distance(moment) {
  const seconds = Math.round((moment - Date.now() - ahead) / 1000);
  if (!seconds) return "now";
  const [size, unit] = UNITS.find(([least]) => Math.abs(seconds) >= least);
  const count = Math.floor(Math.abs(seconds) / size);
  const span = `${count} ${unit}${unit === "day" && count > 1 ? "s" : ""}`;
  return seconds > 0 ? `in ${span}` : `${span} ago`;
}

function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// Shows every instant within `root` as the viewer reads it.
export function show(root = document) {
  for (const time of root.querySelectorAll("time.clock")) put(time, clock.format(new Date(time.dateTime)));
  for (const time of root.querySelectorAll("time.away")) put(time, distance(new Date(time.dateTime)));
  const zone = root.getElementById?.("zone");
  if (zone) put(zone, `times are in ${clock.resolvedOptions().timeZone}`);
}

document.addEventListener("htmx:load", () => show());
setInterval(() => document.hidden || show(), TICK_MS);
show();
