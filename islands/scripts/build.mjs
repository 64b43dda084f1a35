// Builds the islands, and puts them and what else comes from npm where the pages and the documentation look for it.
// Nobody is ever served a half of it: it is made in dist/ and then moved.

import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";

import { licences } from "./licences.mjs";

const ISLANDS = fileURLToPath(new URL("..", import.meta.url));
const ROOT = join(ISLANDS, "..");
const PAGES = join(ROOT, "packages/web/src/schedulezero/web/microsites/container/assets/built");
const DOCS = join(ROOT, "docs_site/assets/built");
const MADE = join(ISLANDS, "dist/made");
const OLD = join(ISLANDS, "dist/old");

const npm = (path) => join(ISLANDS, "node_modules", path);

rmSync(join(ISLANDS, "dist"), { recursive: true, force: true });
await build({ root: ISLANDS, configFile: join(ISLANDS, "vite.config.ts"), logLevel: "warn", build: { outDir: MADE } });
copyFileSync(npm("htmx.org/dist/htmx.min.js"), join(MADE, "htmx.min.js"));
const told = licences(ISLANDS);
place(join(DOCS, "mermaid.min.js"), readFileSync(npm("mermaid/dist/mermaid.min.js")));
place(join(DOCS, "licences.txt"), Buffer.from(told));
// The last to be written: `make` takes its age for that of the whole.
writeFileSync(join(MADE, "licences.txt"), told);
swap(MADE, PAGES);

/** Writes a file at once, and only if that changes it. */
function place(path, content) {
  if (existsSync(path) && readFileSync(path).equals(content)) return;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, content);
  renameSync(`${path}.new`, path);
}

/** Puts one folder in the place of another. */
function swap(made, place) {
  if (existsSync(place)) renameSync(place, OLD);
  mkdirSync(dirname(place), { recursive: true });
  renameSync(made, place);
  rmSync(OLD, { recursive: true, force: true });
}
