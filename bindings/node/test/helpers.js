// What several tests use.
"use strict";

const assert = require("node:assert/strict");
const { spawnSync } = require("node:child_process");
const { mkdtempSync } = require("node:fs");
const { tmpdir } = require("node:os");
const path = require("node:path");

const { TrueupError } = require("trueup");

/** The error of a promise or call, which has this code. */
async function fails(work, code) {
  const error = await Promise.resolve()
    .then(work)
    .then(() => assert.fail(`no error, but ${code} is wanted`))
    .catch((error) => error);
  assert.ok(error instanceof TrueupError, error.stack);
  assert.equal(error.code, code, error.message);
  return error;
}

/** Runs a script in a process of its own, and holds it to end by itself soon. */
function run(script, ...flags) {
  const ran = spawnSync(process.execPath, [...flags, "-e", script], {
    cwd: path.resolve(__dirname, ".."),
    encoding: "utf8",
    timeout: 20_000,
  });
  assert.equal(ran.signal, null, `it did not end by itself: ${ran.stdout}${ran.stderr}`);
  return ran;
}

/** A new file's path. */
function file(name) {
  return path.join(mkdtempSync(path.join(tmpdir(), "trueup-")), name);
}

/** Rows that take a while to compare. */
function many(count, value = (id) => `value ${id % 977}`) {
  return Array.from({ length: count }, (_, id) => ({ id, value: value(id) }));
}

module.exports = { fails, file, many, run };
