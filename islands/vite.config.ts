import vue from "@vitejs/plugin-vue";
import { fileURLToPath } from "node:url";
import vuetify from "vite-plugin-vuetify";
import { defineConfig } from "vitest/config";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  plugins: [vue(), vuetify()],
  build: {
    target: "es2022",
    cssCodeSplit: false,
    modulePreload: false,
    // That one chunk holds Vue and Vuetify is meant to be so.
    chunkSizeWarningLimit: 1000,
    rolldownOptions: {
      input: {
        "schedule-grid": here("src/schedules/schedule-grid.ts"),
        "handler-grid": here("src/handlers/handler-grid.ts"),
        "execution-log-grid": here("src/executions/execution-log-grid.ts"),
      },
      output: {
        entryFileNames: "[name].min.js",
        // Entries name the shared chunk without a version, so that its own name has to be one.
        chunkFileNames: "[name]-[hash].min.js",
        assetFileNames: "islands.min[extname]",
        codeSplitting: { groups: [{ name: "islands", test: /node_modules|src\/(api|grid|island|page)\// }] },
      },
    },
  },
  test: {
    include: ["tests/**/*.test.ts"],
    server: { deps: { inline: ["vuetify"] } },
  },
});
