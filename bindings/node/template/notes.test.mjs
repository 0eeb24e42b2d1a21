// The connector keeps the promises that every connector makes.
import assert from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";

import { conformance } from "trueup";

import { Notes } from "./notes.mjs";

const note = (n, text = `text of ${n} – “ä”`) => ({ name: `note ${String(n).padStart(2, "0")}`, text, stars: n - 7 });
const some = (from, to) => Array.from({ length: to - from }, (_, n) => note(from + n));

const NOTES = [...some(0, 45), note(90, null), { name: "empty", text: "", stars: 2 ** 52 }];
const FRESH = [...some(100, 106), { name: "new", text: null, stars: null }];

test("it keeps its promises", async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "notes-"));
  let made = 0;

  const make = () => {
    const file = path.join(folder, `${made++}.json`);
    const write = (notes) => writeFileSync(file, JSON.stringify({ notes, archive: [] }));
    write(NOTES);
    return {
      connector: new Notes(file),
      truth: { notes: NOTES, archive: [] },
      writes: { resource: "notes", records: FRESH },
      breakSource: () => writeFileSync(file, "{"),
      changeSource: () => {
        const rest = [note(1, "changed"), ...NOTES.slice(2), note(99)];
        write(rest);
        return { notes: rest };
      },
    };
  };

  assert.ok((await conformance(make)).includes("writes"));
});
