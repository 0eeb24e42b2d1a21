// Writes the addon's types from what napi's macros noted while it was compiled.
//
//     node types.mjs FOLDER FILE
import { readFileSync, writeFileSync } from "node:fs";

import { generateTypeDef } from "@napi-rs/cli";

const [typeDefDir, file] = process.argv.slice(2);
const { header, dts } = await generateTypeDef({ typeDefDir, cwd: process.cwd() });
const text = header + dts;
if (!dts.includes("class Report")) throw new Error(`there are no types in ${typeDefDir}`);
if (readOr(file, "") !== text) writeFileSync(file, text);

function readOr(path, otherwise) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return otherwise;
  }
}
