// Policies decide, and explain.
"use strict";

const assert = require("node:assert/strict");
const { test } = require("node:test");

const tu = require("trueup");
const { fails } = require("./helpers.js");

const CREATES = `
version = 1
name = "creates only"
[[rule]]
id = "creates"
action = "create"
outcome = "allow"
`;

async function planned() {
  const state = await tu.Snapshot.from([{ id: 1 }, { id: 3 }], { provenance: { read_id: "r-17" } });
  return (await tu.reconcile([{ id: 1 }, { id: 2 }], state, { key: "id" })).plan();
}

test("what is denied can be left out", async () => {
  const [policy, plan] = [tu.Policy.fromTOML(CREATES), await planned()];
  const question = { actor: ["agent:sync", "person:ada"], now: new Date("2026-01-31T12:00:00Z") };
  const decision = await policy.decide(plan, question);
  assert.equal(decision.outcome, "deny");
  assert.ok(decision instanceof tu.Decision);
  assert.deepEqual(decision.denied.map((place) => plan.changes[place].operation), ["delete"]);
  assert.deepEqual([decision.plan, decision.policy], [plan.digest, policy.hash]);
  assert.deepEqual(decision.at, question.now);
  assert.equal((await policy.decide(plan.without(decision.denied), question)).outcome, "allow");
  const reasons = await policy.explain(plan, question);
  assert.equal(reasons.outcome, "deny");
  assert.match(reasons.text, /creates|delete/);
});

test("documents", async () => {
  const policy = tu.Policy.fromTOML(CREATES);
  assert.deepEqual([policy.name, policy.ruleIds], ["creates only", ["creates"]]);
  assert.equal(tu.Policy.fromJSON(JSON.stringify(policy)).hash, policy.hash);
  assert.equal(tu.Policy.standard().hash, tu.Policy.fromTOML(tu.Policy.STANDARD).hash);
  assert.equal(typeof tu.Policy.schema(), "object");
  await fails(() => tu.Policy.fromTOML(CREATES.replace("action", "acton")), "invalid");
  const plan = await planned();
  await fails(() => policy.decide(plan, { actor: [] }), "invalid");
});
