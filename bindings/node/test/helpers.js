// What several tests use.
"use strict";

const assert = require("node:assert/strict");
const { spawnSync } = require("node:child_process");
const { mkdtempSync } = require("node:fs");
const { tmpdir } = require("node:os");
const path = require("node:path");

const { Policy, PolicyGate, Receipt, Store, TrueupError, read, reconcile } = require("trueup");

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

/** A shelf of books in memory; members stand over its own. */
function shelf(books = [], members = {}) {
  const kept = new Map(books.map((book) => [book.id, book]));
  const fields = [
    { name: "id", type: "int", role: "key", writable: true },
    { name: "title", type: "text", writable: true },
  ];
  return {
    kept,
    describe: () => ({ system: "shelf", resources: [{ name: "books", fields, idempotency: "conditional" }] }),
    readPage: () => ({ records: [...kept.values()] }),
    apply: (changes) =>
      changes.map((change) => {
        const { id } = change.key;
        const standing = change.standing(kept.get(id));
        if (standing === "stale") return Receipt.stale();
        if (change.operation === "delete") kept.delete(id);
        else kept.set(id, { ...kept.get(id), id, ...change.after });
        return Receipt.done();
      }),
    ...members,
  };
}

const ACTOR = ["agent:sync", "person:ana"];

/** Everything up to the run: the plan that makes the shelf as it is wished, its decision, its grant, a store. */
async function granted(connector, wish, { store } = {}) {
  store ??= await Store.inMemory();
  const compare = async () =>
    reconcile(wish, await read(connector, "books"), { key: "id", name: "books", resource: "books" });
  const plan = await (await compare()).plan();
  const policy = Policy.standard();
  const decision = await policy.decide(plan, { actor: ACTOR });
  const question = decision.question();
  const answers = ["person:bo", "person:cy"].map((person) => question.approve(person, { roles: "owner" }).attest("desk"));
  const { state, grant } = question.standing(answers);
  assert.equal(state, "granted");
  await store.keep(plan, decision, ...answers, grant);
  return { store, plan, policy, decision, question, answers, grant, compare, gate: new PolicyGate(policy, { actor: ACTOR }) };
}

module.exports = { ACTOR, fails, file, granted, many, run, shelf };
