// The store remembers, and proves what it remembers.
"use strict";

const assert = require("node:assert/strict");
const { existsSync } = require("node:fs");
const { describe, test } = require("node:test");

const tu = require("trueup");
const { fails, file, granted, shelf } = require("./helpers.js");

const YEAR = 365 * 86_400_000;
const fleet = (actual) => tu.reconcile([{ id: 1, os: "14" }], actual, { key: "id", name: "fleet" });

describe("a store", () => {
  test("follows findings, and keeps suppressed ones out of sight", async () => {
    const store = await tu.Store.inMemory();
    const report = await fleet([{ id: 1, os: "13" }]);
    const { opened, suppressed } = await store.follow(report);
    assert.deepEqual([opened.length, suppressed], [1, 0]);
    const until = new Date(Date.now() + YEAR);
    await store.suppress(report, opened[0], { owner: "person:bo", reason: "known", until });
    const [found] = await store.findings("fleet");
    assert.deepEqual([found.id, found.timesOpened, found.resolvedAt], [opened[0], 1, null]);
    assert.deepEqual(found.suppressed, { owner: "person:bo", reason: "known", until });
    assert.ok(found.openedAt instanceof Date);
    await store.unsuppress(report, opened[0], { by: "person:bo" });
    const settled = await fleet([{ id: 1, os: "14" }]);
    assert.deepEqual((await store.follow(settled)).resolved, opened);
    assert.equal(await store.lastAgreed("fleet"), null);
    await store.noteAgreed(settled);
    assert.deepEqual(await store.lastAgreed("fleet"), { expected: 1, actual: 1 });
  });

  test("knows its readings", async () => {
    const store = await tu.Store.inMemory();
    await store.noteReading(await tu.read(shelf([{ id: 1, title: "Emma" }]), "books"));
    const [reading] = await store.readings("shelf");
    assert.deepEqual([reading.resource, reading.rows, reading.coverage], ["books", 1, "complete"]);
    assert.ok(reading.readId.length > 0);
  });

  test("keeps plans, decisions, answers and grants", async () => {
    const { store, plan, grant } = await granted(shelf(), [{ id: 1, title: "Emma" }]);
    assert.equal((await store.plan(plan.digest)).digest, plan.digest);
    assert.deepEqual((await store.answers(plan.digest)).map((answer) => answer.person), ["person:bo", "person:cy"]);
    assert.equal((await store.decisions(plan.digest)).length, 1);
    const kept = await store.grant(grant.id);
    assert.deepEqual([kept.plan, kept.run, kept.expires], [plan.digest, null, grant.expires]);
    assert.equal(await store.used("deletes", new Date(0)), 0);
    await assert.rejects(() => store.keep({}), { name: "TypeError" });
    await fails(() => store.plan("abc"), "invalid");
  });

  test("is one file: backed up, restored, closed", async () => {
    const [at, copy, again] = ["a.db", "b.db", "c.db"].map((name) => file(name));
    const store = await tu.Store.open(at, { mode: "create" });
    await store.follow(await fleet([{ id: 2, os: "13" }]));
    await store.backup(copy);
    assert.equal((await store.verify()).entries, 1);
    store.close();
    await fails(() => store.verify(), "invalid");
    const restored = await tu.Store.restore(copy, again);
    assert.equal((await restored.logEntries())[0].kind, "drift.followed");
    assert.equal((await restored.findings("fleet")).length, 2);
    assert.ok(existsSync(again));
    await fails(() => tu.Store.open(file("none.db"), { mode: "open" }), "not_found");
    await fails(() => tu.Store.open(file("x.db"), { bussy_ms: 1 }), "invalid");
    await fails(() => tu.Store.open(file("x.db"), { mode: "opne" }), "invalid");
  });

  test("has a log that nobody can rewrite, and forgets what it must", async () => {
    const store = await tu.Store.inMemory({ log: "trueup.local/log" });
    await store.follow(await fleet([{ id: 2, os: "13" }]));
    const [entry] = await store.logEntries();
    assert.deepEqual([entry.place, entry.kind, entry.erased], [0, "drift.followed", false]);
    const log = tu.Key.generate("trueup.local/log");
    const note = await store.checkpoint(log);
    assert.deepEqual(await store.checkpoints(), [note]);
    const verdict = await store.verifyLog({ logs: [log.verifier], saved: note });
    assert.deepEqual([verdict.holds, verdict.problems], [true, []]);
    assert.ok(verdict.anchored.length >= 1 && Array.isArray(verdict.notAnchored));
    const gone = await store.forgetBefore(new Date(Date.now() + YEAR), { by: "person:bo", reason: "age" });
    assert.ok(gone.entries >= 1);
    assert.equal((await store.logEntries())[0].payload, null);
    assert.equal((await store.verifyLog({ logs: [log.verifier] })).holds, true);
  });

  test("forgets people, and still verifies", async () => {
    const { store, plan } = await granted(shelf(), [{ id: 1, title: "Emma" }]);
    const why = { by: "person:di", reason: "she asked for it" };
    assert.ok((await store.forgetPerson("person:cy", why)).documents >= 1);
    assert.deepEqual((await store.answers(plan.digest)).map((answer) => answer.person), ["person:bo"]);
    await fails(() => store.forgetPerson("person:zoe", why), "not_found");
    assert.ok((await store.verify()).erased >= 1);
  });
});

describe("evidence", () => {
  test("shows what happened, to those who trust nobody", async () => {
    const actual = shelf();
    const { store, plan, grant, gate } = await granted(actual, [{ id: 1, title: "Emma" }]);
    const report = await new tu.Executor(store).execute(plan, grant, { gate, actual });
    const log = tu.Key.generate("trueup.local/log");
    const files = [{ name: "note.txt", mediaType: "text/plain", bytes: Buffer.from("seen") }];
    const pack = await store.evidence(report, log, { files });
    const verdict = await tu.verifyEvidence(pack, { logs: [log.verifier] });
    assert.equal(verdict.holds, true, verdict.text);
    assert.ok(verdict.files.some(({ name }) => name.endsWith("note.txt")));
    const person = tu.Key.generate("bo.example");
    const signed = await tu.signEvidence(pack, person);
    const seen = await tu.verifyEvidence(signed, { logs: [log.verifier], approvers: [person.verifier] });
    assert.ok(seen.signers.some((signer) => signer.includes("bo.example")), JSON.stringify(seen.signers));
    const altered = Uint8Array.from(pack);
    altered[200] ^= 1;
    assert.equal((await tu.verifyEvidence(altered, { logs: [log.verifier] })).holds, false);
    await fails(() => store.evidence("no such run", log), "not_found");
  });
});
