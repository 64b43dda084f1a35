// The licences of what is built into the islands or copied beside them.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const LICENCE = /^(licen[cs]e|copying|notice)/i;

/**
 * Returns the name, version and licence of every package that is not for development alone.
 *
 * @param {string} root the folder of package-lock.json and node_modules.
 * @returns {string}
 */
export function licences(root) {
  const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  const shipped = Object.entries(packages).filter(([path, { dev }]) => path !== "" && !dev);
  return shipped.flatMap(([path]) => told(join(root, path))).join(`\n${"-".repeat(80)}\n`);
}

/** One for another platform is locked, and not installed. */
function told(folder) {
  const files = listed(folder);
  if (!files.includes("package.json")) return [];
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const texts = files.filter((file) => LICENCE.test(file)).map((file) => readFileSync(join(folder, file), "utf8"));
  return [`${name} ${version} (${license ?? "see below"})\n\n${texts.join("\n").trim()}\n`];
}

function listed(folder) {
  try {
    return readdirSync(folder, { withFileTypes: true }).filter((file) => file.isFile()).map(({ name }) => name);
  } catch (error) {
    if (error.code === "ENOENT") return [];
    throw error;
  }
}
