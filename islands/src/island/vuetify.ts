// Vuetify in the colours of the pages, within their content security policy.

// Not all of its core: that would style the page around.
import "vuetify/styles/layers";
import "./island.css";

import { createVuetify } from "vuetify";
import { aliases, mdi } from "vuetify/iconsets/mdi-svg";

const BRAND = { primary: "#2563eb", secondary: "#6366f1", success: "#10b981", warning: "#f59e0b", info: "#2563eb" };

// What is said softly can still be read: a contrast of 4.5 and more.
const variables = { "medium-emphasis-opacity": 0.78 };
const LAYERS = "@layer vuetify-core, vuetify-components, vuetify-overrides, vuetify-utilities, vuetify-final;";

export function createVuetifyFor(document: Document) {
  const nonce = document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content;
  orderLayers(document, nonce ?? "");
  return createVuetify({
    icons: { defaultSet: "mdi", aliases, sets: { mdi } },
    theme: {
      ...(nonce ? { cspNonce: nonce } : {}),
      defaultTheme: "system",
      themes: {
        light: { variables, colors: { ...BRAND, error: "#b91c1c", surface: "#ffffff", "on-surface": "#172033" } },
        dark: { dark: true, variables, colors: { ...BRAND, error: "#fca5a5", surface: "#151d30", "on-surface": "#e7ebf5" } },
      },
    },
    defaults: {
      global: { ripple: false },
      VBtn: { variant: "text", size: "small" },
      // What a field says below itself has its place always: a button that moved away would not be met by a click.
      VTextField: { variant: "outlined", density: "compact" },
      VSelect: { variant: "outlined", density: "compact" },
    },
  });
}

/** Vuetify puts its colours into the head, before the stylesheet that says which of its layers goes first. */
function orderLayers(document: Document, nonce: string): void {
  if (document.getElementById("sz-layers")) return;
  const style = document.createElement("style");
  style.id = "sz-layers";
  style.nonce = nonce;
  style.textContent = LAYERS;
  document.head.prepend(style);
}
