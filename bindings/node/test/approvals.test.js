// Questions to people, their answers, keys, and break-glass.
"use strict";

const assert = require("node:assert/strict");
const { describe, test } = require("node:test");

const tu = require("trueup");
const { fails, granted, shelf } = require("./helpers.js");

async function asked() {
  const { question, decision, plan } = await granted(shelf(), [{ id: 1, title: "Emma" }]);
  return { question, decision, plan };
}

describe("answers", () => {
  test("come to a grant, or say what is missing", async () => {
    const { question, plan } = await asked();
    assert.equal(question.standing([]).state, "waiting");
    assert.match(question.standing([]).text, /^waiting for/);
    const no = question.reject("person:bo", { roles: "owner", reason: "not on a Friday" }).attest("desk");
    const { state, by, text } = question.standing([no]);
    assert.deepEqual([state, by, text], ["rejected", "person:bo", "`person:bo` said no: not on a Friday"]);
    const yes = question.approve("person:cy", { roles: ["owner"] }).attest("desk");
    assert.equal(yes.person, "person:cy");
    const { grant } = question.standing([yes, question.approve("person:di", { roles: "owner" }).attest("desk")]);
    assert.ok(grant instanceof tu.Grant && grant.expires > new Date());
    assert.equal(grant.plan, plan.digest);
    const late = question.standing([yes], { now: new Date(question.expires.getTime() + 1) });
    assert.equal(late.state, "expired");
    assert.ok(late.at instanceof Date);
  });

  test("deferred, escalated and overridden", async () => {
    const { question } = await asked();
    const until = new Date(Date.now() + 60_000);
    const later = question.defer("person:bo", { roles: "owner", until }).attest("desk");
    assert.deepEqual(question.standing([later]).notBefore, until);
    const up = question.escalate("person:bo", { roles: "owner", to: "director", reason: "large" }).attest("desk");
    assert.match(JSON.stringify(question.standing([up]).missing), /director/);
    const over = ["person:cy", "person:di"].map((person) =>
      question.override(person, { roles: "owner", reason: "now" }).attest("desk"),
    );
    assert.equal(question.standing([later, ...over]).state, "granted");
  });

  test("that nobody vouches for, or of the requester, count for nothing", async () => {
    const { question } = await asked();
    const bare = question.approve("person:bo", { roles: "owner" });
    assert.equal(typeof question.refusal(bare), "string");
    assert.equal(question.standing([bare]).state, "waiting");
    const own = question.approve("person:ana", { roles: "owner" }).attest("desk");
    assert.match(question.refusal(own), /ana|request/);
    assert.equal(question.refusal(bare.attest("desk")), null);
    assert.throws(() => question.standing([{}]), { name: "TypeError", message: /`answers` must be/ });
  });

  test("questions and answers are plain data", async () => {
    const { question } = await asked();
    const again = tu.Question.fromJSON(JSON.parse(JSON.stringify(question)));
    const yes = again.approve("person:bo", { roles: "owner" }).attest("desk");
    const sent = tu.Approval.fromJSON(JSON.parse(JSON.stringify(yes)));
    assert.equal(question.refusal(sent), null);
    assert.ok(question.asks.length > 0);
  });
});

describe("keys", () => {
  test("sign, wherever they are", async () => {
    const { question } = await asked();
    const key = tu.Key.generate("bo.example");
    const vault = tu.Key.ofHost(key.verifier, async (message) => key.sign(message));
    const keys = { "person:bo": key.verifier, "person:cy": [tu.Key.generate("cy.example").verifier] };
    for (const signer of [key, vault]) {
      const yes = await question.approve("person:bo", { roles: "owner" }).sign(signer);
      assert.equal(question.refusal(yes, [], { keys }), null);
      assert.equal(typeof question.refusal(yes), "string");
      const other = await question.approve("person:cy", { roles: "owner" }).sign(signer);
      assert.equal(typeof question.refusal(other, [], { keys }), "string");
    }
    assert.equal((await key.sign(Uint8Array.of(1))).length, 64);
    const seed = new Uint8Array(32).fill(7);
    assert.equal(tu.Key.fromSeed("a", seed).verifier, tu.Key.fromSeed("a", seed).verifier);
    await fails(() => tu.Key.fromSeed("a", seed.slice(1)), "invalid");
  });

  test("of a vault that is shut give its exception", async () => {
    const { question } = await asked();
    const shut = new Error("the vault is shut");
    const vault = tu.Key.ofHost(tu.Key.generate("bo.example").verifier, () => {
      throw shut;
    });
    const error = await fails(() => question.approve("person:bo", { roles: "owner" }).sign(vault), "protocol");
    assert.equal(error.cause, shut);
  });
});

test("glass is broken by two people, for one plan at a time", async () => {
  const state = await tu.Snapshot.from(Array.from({ length: 100 }, (_, id) => ({ id })), { provenance: { system: "shelf", read_id: "r-1" } });
  const options = { key: "id", name: "all", resource: "books" };
  const plan = await (await tu.reconcile([{ id: 0 }], state, options)).plan();
  const policy = tu.Policy.standard();
  const request = { actor: "person:ana" };
  const denied = await policy.decide(plan, request);
  assert.deepEqual([denied.outcome, denied.denied.length], ["deny", 99]);
  await fails(() => denied.question(), "forbidden");
  const from = new Date();
  const opening = { requester: request.actor, lifts: "delete-many", reason: "release", from, until: new Date(from.getTime() + 3_600_000) };
  const yes = (question) =>
    ["person:bo", "person:cy"].map((person) => question.approve(person, { roles: "owner" }).attest("desk"));
  const question = policy.breakGlassQuestion(opening);
  await fails(() => policy.breakGlass(opening, yes(question).slice(1)), "forbidden");
  const glass = policy.breakGlass(opening, yes(question));
  assert.deepEqual(glass.people, ["person:bo", "person:cy"]);
  const decision = await glass.decide(plan, request);
  assert.equal(decision.outcome, "ask");
  const { grant, review } = glass.grant(decision, yes(decision.question()));
  assert.ok(grant instanceof tu.Grant && review.due > from);
  await fails(() => glass.grant(decision, yes(decision.question()), { granted: [plan.digest] }), "forbidden");
  const store = await tu.Store.inMemory();
  await store.keep(plan, decision, grant);
  assert.deepEqual([(await store.grant(review.grant)).run, await store.reviews()], [null, []]);
  const deletes = (changes) => changes.map(() => "done");
  const ids = shelf([], { apply: deletes });
  const gate = new tu.PolicyGate(policy, request, { glass });
  const run = await new tu.Executor(store, { verify: false }).execute(plan, grant, { gate, actual: ids });
  const [due] = await store.reviews();
  assert.deepEqual([due.grant, due.due, due.reviewed], [grant.id, review.due, null], run.text);
  await store.review(grant.id, "person:di");
  assert.equal((await store.reviews())[0].reviewed.by, "person:di");
});
