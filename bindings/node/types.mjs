// Writes the addon's types from what napi's macros noted while it was compiled: a line of JSON an item.
//
//     node types.mjs NOTES FILE
import { existsSync, readFileSync, writeFileSync } from "node:fs";

const [notes, file] = process.argv.slice(2);
const items = readFileSync(notes, "utf8").trim().split("\n").map((line) => JSON.parse(line));
const named = items.filter((item) => item.kind !== "impl").sort((a, b) => (a.name < b.name ? -1 : 1));
const text = ["// Written by types.mjs of what Rust declares.\n", ...named.map(declaration)].join("\n");
if (!existsSync(file) || readFileSync(file, "utf8") !== text) writeFileSync(file, text);

function declaration({ kind, name, def, js_doc: words = "" }) {
  const doc = words.replaceAll("\\n", "\n");
  switch (kind) {
    case "struct":
      return `${doc}export declare class ${name} {\n${indented([def, ...methods(name)].join("\n"))}\n}\n`;
    case "interface":
      return `${doc}export interface ${name} {\n${indented(def)}\n}\n`;
    case "fn":
      return `${doc}export declare ${def}\n`;
    default:
      throw new Error(`${name} is of a kind that is not known here: ${kind}`);
  }
}

function methods(name) {
  return items.filter((item) => item.kind === "impl" && item.name === name).map((item) => item.def);
}

function indented(lines) {
  const trimmed = lines.replaceAll("\\n", "\n").split("\n").map((line) => line.trim()).filter((line) => line !== "");
  return trimmed.map((line) => (line.startsWith("*") ? `   ${line}` : `  ${line}`)).join("\n");
}
