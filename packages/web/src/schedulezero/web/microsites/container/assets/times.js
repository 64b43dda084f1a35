// Shows instants in the viewer's time zone; UTC is in their title. Pages themselves say UTC.
"use strict";

const shown = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

function localise() {
  for (const time of document.querySelectorAll("time.clock:not([data-local])")) {
    time.dataset.local = "";
    time.textContent = shown.format(new Date(time.dateTime));
  }
}

const zone = document.getElementById("zone");
if (zone) zone.textContent = `times are in ${shown.resolvedOptions().timeZone}`;
document.addEventListener("sz-renewed", localise);
localise();
