// Plans: made, narrowed, kept, proposed, undone.
"use strict";

const assert = require("node:assert/strict");
const { test } = require("node:test");

const tu = require("trueup");
const { fails } = require("./helpers.js");

async function planned(options) {
  const state = await tu.Snapshot.from([{ id: 1, os: "13" }, { id: 3, os: "1" }], { provenance: { read_id: "r-1" } });
  const report = await tu.reconcile([{ id: 1, os: "14" }, { id: 2n ** 60n, os: "14" }], state, { key: "id", name: "f" });
  return report.plan(options);
}

test("changes, narrowed to some", async () => {
  const plan = await planned();
  assert.deepEqual(plan.changes.map((change) => change.operation).sort(), ["create", "delete", "update"]);
  const update = plan.changes.find((change) => change.operation === "update");
  assert.deepEqual([update.key, update.before, update.after], [{ id: 1 }, { os: "13" }, { os: "14" }]);
  assert.equal(plan.changes.find((change) => change.operation === "create").key.id, 2n ** 60n);
  const narrow = plan.narrow((change) => change.operation !== "delete");
  assert.equal(narrow.changes.length, 2);
  assert.notEqual(narrow.digest, plan.digest);
  assert.equal(plan.impact("actual").deletes, 1);
  assert.match(String(plan), /1 to create/);
});

test("kept as JSON, without a loss in wide integers", async () => {
  const plan = await planned();
  assert.equal(tu.Plan.fromJSON(JSON.stringify(plan)).digest, plan.digest);
  assert.equal(tu.Plan.fromJSON(plan.toJSON()).digest, plan.digest);
  const altered = plan.toJSON();
  altered.changes[0].wave = 7;
  await fails(() => tu.Plan.fromJSON(altered), "data");
  await fails(() => tu.Plan.fromJSON("{}"), "invalid");
});

test("a planner's settings", async () => {
  const state = await tu.Snapshot.from([], { provenance: { read_id: "r-1" } });
  const report = await tu.reconcile([{ id: 1, os: "14" }], state, { key: "id", fields: "common" }).catch(() => undefined);
  assert.equal(report, undefined);
  const only = await planned({ kinds: ["changed"] });
  assert.deepEqual(only.changes.map((change) => change.operation), ["update"]);
  assert.ok(only.leftOut.length > 0);
  await fails(() => planned({ kinds: ["chagned"] }), "invalid");
  await fails(() => planned({ stages: [50, 20] }), "invalid");
});

test("proposed and undone", async () => {
  const reading = { system: "directory", read_id: "r-2" };
  const change = { target: "actual", operation: "update", key: { id: 1 }, before: { tags: ["a"] }, after: { tags: [] } };
  const plan = tu.Plan.propose("fleet", [change], { reading, coveredRows: 10 });
  assert.deepEqual(plan.changes[0].before, { tags: ["a"] });
  assert.equal(tu.Plan.propose("fleet", plan.changes, { reading, coveredRows: 10 }).digest, plan.digest);
  const { plan: back, irreversible } = plan.rollback([{ place: 0 }], { reading: { ...reading, read_id: "r-3" } });
  assert.deepEqual([back.changes[0].after, irreversible], [{ tags: ["a"] }, []]);
  await fails(() => tu.Plan.propose("fleet", [{ ...change, taget: 1 }], { reading }), "invalid");
});

test("a planner makes plans", async () => {
  const state = await tu.Snapshot.from([{ id: 1, os: "13" }], { provenance: { read_id: "r-1" } });
  const report = await tu.reconcile([{ id: 1, os: "14" }], state, { key: "id" });
  assert.equal((await new tu.Planner().plan(report)).digest, (await report.plan()).digest);
});
