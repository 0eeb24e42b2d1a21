// The template, as somebody has it who copied it.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL("..", import.meta.url));

test("the template's own tests pass", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "trueup-"));
  cpSync(path.join(here, "template"), folder, { recursive: true });
  mkdirSync(path.join(folder, "node_modules"));
  symlinkSync(here, path.join(folder, "node_modules", "trueup"), "junction");
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const ran = spawnSync(process.execPath, ["--test"], { cwd: folder, encoding: "utf8", env });
  assert.equal(ran.status, 0, ran.stdout + ran.stderr);
  assert.match(ran.stdout, /^# pass 1$/m);
});
