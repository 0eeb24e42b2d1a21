// Reports say what the engine found, in JavaScript's own forms.
"use strict";

const assert = require("node:assert/strict");
const { readFileSync } = require("node:fs");
const { describe, test } = require("node:test");

const tu = require("trueup");
const { fails, file, many } = require("./helpers.js");

const expected = [
  { id: 1, site: "Bern", gib: 100 },
  { id: 2, site: "Rome", gib: 50 },
];
const actual = [
  { id: 1, site: "Berne", gib: 97 },
  { id: 3, site: "Oslo", gib: 80 },
];
const options = { key: "id", name: "sites", compare: { gib: tu.tolerance(4) } };

test("counts, findings, explanation", async () => {
  const report = await tu.reconcile(expected, actual, options);
  assert.equal(String(report), "sites: matched 0, missing 1, unexpected 1, changed 1");
  assert.deepEqual(report.countsByField, { site: 1 });
  assert.deepEqual([report.counts.changed, report.converged, report.key], [1, false, ["id"]]);
  const rows = [];
  for await (const row of report.findings) rows.push(row);
  assert.deepEqual(rows.map(({ kind, id, field }) => [kind, id, field]), [
    ["changed", 1, "site"],
    ["missing", 2, null],
    ["unexpected", 3, null],
  ]);
  assert.deepEqual(await report.findings.head(1), rows.slice(0, 1));
  assert.deepEqual(Object.keys(await report.states()).sort(), rows.map((row) => row.finding_id).sort());
  const said = await report.explain(rows[0].finding_id);
  assert.equal(said.remedy, "set `site` to `Bern` on the actual side");
  assert.equal(said.expectedAs, null);
  await fails(() => report.explain("nonsense"), "invalid");
});

test("findings come page by page", async () => {
  const report = await tu.reconcile(many(10_000), many(1), { key: "id" });
  let [pages, rows] = [0, 0];
  for await (const page of report.findings.pages(3000)) [pages, rows] = [pages + 1, rows + page.length];
  assert.deepEqual([pages, rows, await report.findings.count()], [4, 9_999, 9_999]);
});

test("saved and loaded, as a page, as CSV", async () => {
  const report = await tu.reconcile(expected, actual, options);
  const [saved, page, csv] = [file("r.parquet"), file("r.html"), file("r.csv")];
  await report.save(saved);
  assert.equal(await (await tu.Report.load(saved)).digest(), await report.digest());
  await report.toHtml(page);
  assert.equal(readFileSync(page, "utf8"), await report.html());
  await report.toCsv(csv);
  assert.match(readFileSync(csv, "utf8"), /Berne/);
});

test("members, matched, inputs", async () => {
  const twice = [{ id: 1, a: 1 }, { id: 1, a: 2 }, { id: 2, a: 1 }];
  const report = await tu.reconcile(twice, [{ id: 1, a: 3 }, { id: 2, a: 1 }], { key: "id" });
  const [finding] = await report.findings.head(1);
  assert.equal(finding.kind, "duplicate");
  assert.equal(await report.members(finding.finding_id).count(), 3);
  assert.deepEqual(await report.matched.toRows(), [{ id: 2, a: 1 }]);
  const inputs = await report.inputs();
  assert.equal(inputs.expected.rows, 3);
  assert.match(inputs.actual.contentRoot, /^[0-9a-f]{64}$/);
});

test("three-way: the base says who changed", async () => {
  const base = await (await tu.reconcile([{ id: 1, os: "14" }], [{ id: 1, os: "14" }], { key: "id" })).advance();
  const report = await tu.reconcile([{ id: 1, os: "14" }], [{ id: 1, os: "15" }], { key: "id", base });
  assert.equal((await report.findings.head(1))[0].cause, "actual_changed");
});

test("drift", async () => {
  const later = [...actual, { id: 2, site: "Rome", gib: 50 }, { id: 9, site: "Linz", gib: 1 }];
  const [before, after] = [await tu.reconcile(expected, actual, options), await tu.reconcile(expected, later, options)];
  const drift = await tu.drift(before, after);
  assert.deepEqual(drift.counts, { opened: 1, changed: 0, resolved: 1, unchanged: 2 });
  assert.equal((await drift.opened.toRows())[0].id, 9);
  assert.equal((await drift.resolved.toRows())[0].id, 2);
  assert.equal(drift.unchangedIds.length, 2);
  assert.throws(() => tu.drift(before, {}), { name: "TypeError", message: /`after` must be a Report/ });
});

test("an index takes changes", async () => {
  const index = await new tu.Reconciliation({ key: "id" }).index([{ id: 1, os: "14" }], [{ id: 1, os: "13" }]);
  await index.change("actual", [{ id: 1, os: "14" }]);
  assert.equal((await index.report()).converged, true);
  assert.equal(await index.remove("actual", [{ id: 1 }]), 1);
  assert.equal((await index.report()).counts.missing, 1);
  await fails(() => index.change("actuel", []), "invalid");
});

describe("documents", () => {
  test("a document is plain data, and comes back", async () => {
    const document = new tu.Reconciliation({
      key: ["id"],
      name: "sites",
      alternateKeys: ["mail", ["a", "b"]],
      compare: { site: tu.text({ case: "ignore", space: "exact" }).and(tu.defaultValue("none")), x: "ignore" },
      mapping: { actual: { fields: { site: "location" } } },
    });
    const json = JSON.parse(JSON.stringify(document));
    assert.deepEqual(json.alternate_keys, [["mail"], ["a", "b"]]);
    assert.deepEqual(tu.Reconciliation.fromJSON(json).toJSON(), document.toJSON());
    assert.deepEqual(tu.Reconciliation.fromJSON(JSON.stringify(json)).toJSON(), document.toJSON());
  });

  test("values of rules cross exactly", async () => {
    const rule = tu.alias([[2n ** 53n + 1n, 2n ** 53n]]);
    const run = (value) =>
      tu.reconcile([{ id: 1, n: value }], [{ id: 1, n: 2n ** 53n }], { key: "id", compare: { n: rule } });
    assert.equal((await run(2n ** 53n + 1n)).converged, true);
    assert.equal((await run(2n ** 53n + 3n)).converged, false);
  });

  test("mistakes are answered with the nearest word", async () => {
    const wrong = { key: "id", compare: { gbi: tu.ignore() } };
    const error = await fails(() => tu.reconcile(expected, actual, wrong), "invalid");
    assert.equal(error.message, "unknown field `gbi`; did you mean `gib`?");
    await fails(() => new tu.Reconciliation({ key: "id", comapre: {} }), "invalid");
    assert.throws(() => tu.tolerance({ absolute: true }), { name: "TypeError", message: /`absolute` must be/ });
    assert.throws(() => tu.ignore().and(tu.exact()), { name: "TypeError", message: /both rules say `compare`/ });
    assert.throws(() => new tu.Reconciliation({ key: "id", compare: { a: () => 1 } }), {
      name: "TypeError",
      message: /compare\.a takes plain data, not a function/,
    });
  });

  test("every rule is one that the engine knows", () => {
    const rules = [
      tu.exact(), tu.ignore(), tu.set(), tu.subset(), tu.tolerance("0.01"), tu.tolerance({ relative: 0.1 }),
      tu.timeTolerance(1500), tu.timeTolerance("5m"), tu.text({ unicode: "nfc" }), tu.alias({ a: "b" }),
      tu.defaultValue(0), tu.zone("Europe/Zurich"), tu.owner("actual"),
    ];
    for (const rule of rules) new tu.Reconciliation({ key: "id", compare: { field: rule } });
  });
});
