// The package from outside: both entries, the README, the packed files.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";

import * as esm from "trueup";

const here = fileURLToPath(new URL("..", import.meta.url));
const cjs = createRequire(import.meta.url)("trueup");

test("import and require give the same", () => {
  const { default: _, ...named } = esm;
  assert.deepEqual(Object.keys(named).sort(), Object.keys(cjs).sort());
  for (const [name, value] of Object.entries(named)) assert.equal(cjs[name], value, name);
  assert.equal(esm.version, JSON.parse(readFileSync(path.join(here, "package.json"), "utf8")).version);
});

test("the README's examples print what they say", () => {
  const readme = readFileSync(path.join(here, "README.md"), "utf8");
  const examples = [...readme.matchAll(/```js\n(.*?)```/gs)].map((found) => found[1]);
  assert.ok(examples.length >= 5);
  const folder = mkdtempSync(path.join(tmpdir(), "trueup-"));
  // Not inside the package, so names are found by a link to it and to what it is tested with.
  const imports = { trueup: "index.mjs", "apache-arrow": "node_modules/apache-arrow/Arrow.node.mjs" };
  const code = Object.entries(imports).reduce(
    (code, [name, file]) => code.replaceAll(`from "${name}"`, `from "${pathToFileURL(path.join(here, file))}"`),
    examples.join("\n"),
  );
  writeFileSync(path.join(folder, "readme.mjs"), code);
  const ran = spawnSync(process.execPath, ["readme.mjs"], { cwd: folder, encoding: "utf8" });
  assert.equal(ran.status, 0, ran.stderr);
  const said = [...code.matchAll(/(?:^|;)\s*\/\/ (.*)$/gm)].map((found) => found[1]);
  // What begins with a capital letter, or stands beside code that prints nothing, is for people.
  const wanted = said.filter((line) => !/^([A-Z]|a page)/.test(line));
  assert.deepEqual(ran.stdout.trim().split("\n"), wanted);
});

test("the tarball has what it needs, and works in an empty place", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "trueup-"));
  const npm = (...args) => {
    const ran = spawnSync("npm", [...args, "--loglevel=error"], { cwd: folder, encoding: "utf8" });
    assert.equal(ran.status, 0, ran.stderr);
    return ran.stdout.trim();
  };
  const tarball = npm("pack", here).split("\n").at(-1);
  writeFileSync(path.join(folder, "package.json"), '{ "private": true }');
  npm("install", "--offline", "--no-audit", "--no-fund", `./${tarball}`);
  const script = `import { Store, reconcile } from "trueup";
    const report = await reconcile([{ id: 1 }], [{ id: 2 }], { key: "id" });
    const store = await Store.open("trueup.db");
    const { opened } = await store.follow(report);
    console.log(String(report), opened.length, createRequire(import.meta.url)("trueup").reconcile === reconcile);`;
  writeFileSync(path.join(folder, "use.mjs"), `import { createRequire } from "node:module";\n${script}`);
  const ran = spawnSync(process.execPath, ["use.mjs"], { cwd: folder, encoding: "utf8" });
  assert.equal(ran.stdout, "matched 0, missing 1, unexpected 1 2 true\n", ran.stderr);
});
