// Every golden scenario through Node: the same digests and the same kinds of errors.
"use strict";

const assert = require("node:assert/strict");
const { spawnSync } = require("node:child_process");
const { mkdtempSync, readFileSync, writeFileSync } = require("node:fs");
const { tmpdir } = require("node:os");
const path = require("node:path");
const { test } = require("node:test");

const { FOLDER, check, files } = require("./scenarios.js");

for (const file of files(FOLDER)) {
  test(path.basename(file, ".json"), async () => {
    const line = await check(file);
    assert.equal(line.passed, true, JSON.stringify(line));
  });
}

test("there are scenarios", () => assert.ok(files(FOLDER).length >= 111));

test("a scenario that does not come out fails", () => {
  const scenario = JSON.parse(readFileSync(path.join(FOLDER, "basic.json"), "utf8"));
  scenario.want.counts.matched += 1;
  const file = path.join(mkdtempSync(path.join(tmpdir(), "trueup-")), "wrong.json");
  writeFileSync(file, JSON.stringify(scenario));
  const ran = spawnSync(process.execPath, [require.resolve("./scenarios.js"), file], { encoding: "utf8" });
  assert.equal(ran.status, 1, ran.stderr);
  assert.equal(JSON.parse(ran.stdout).passed, false);
});
