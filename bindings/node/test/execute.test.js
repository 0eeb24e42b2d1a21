// Plans are carried out through connectors of JavaScript: once, and without losing an outcome.
"use strict";

const assert = require("node:assert/strict");
const { describe, test } = require("node:test");
const { setTimeout: pause } = require("node:timers/promises");

const tu = require("trueup");
const { fails, file, granted, run, shelf } = require("./helpers.js");

const WISH = [{ id: 1, title: "Emma" }, { id: 2, title: "Dune" }];

describe("a run", () => {
  test("carries a plan out, once, and both sides agree", async () => {
    const actual = shelf([{ id: 1, title: "Ema" }]);
    const { store, plan, grant, gate, compare } = await granted(actual, WISH);
    const executor = new tu.Executor(store);
    const report = await executor.execute(plan, grant, { gate, actual });
    assert.deepEqual([report.status, report.counts.done, report.questions], ["finished", 2, []]);
    assert.equal((await compare()).converged, true);
    await fails(() => executor.execute(plan, grant, { gate, actual }), "conflict").catch((error) =>
      assert.fail(`a grant is for one run: ${error.message}`),
    );
    const back = plan.rollback(report.effects, { reading: { system: "shelf", resource: "books", read_id: "r-2" } });
    assert.equal(back.plan.changes.find((change) => change.operation === "update").after.title, "Ema");
  });

  test("tells what happens, and how far it is", async () => {
    const wish = Array.from({ length: 8 }, (_, id) => ({ id, title: `book ${id}` }));
    const actual = shelf([], { apply: async (changes) => (await pause(30), changes.map(() => "done")) });
    const { store, plan, grant, gate } = await granted(actual, wish);
    const begun = new tu.Executor(store, { batch: 2, in_flight: 1, verify: false }).execute(plan, grant, { gate, actual });
    assert.equal(String(begun), "[object Run]");
    const [events, steps] = [[], []];
    const watch = (async () => {
      for await (const step of begun.progress()) steps.push(step);
    })();
    for await (const event of begun.events()) events.push(event);
    await watch;
    const report = await begun;
    assert.deepEqual(events.at(0), { event: "started", run: report.run, changes: 8 });
    assert.deepEqual(events.at(-1), { event: "ended", status: "finished" });
    assert.equal(begun.id, report.run);
    assert.deepEqual([steps.at(-1).stage, steps.at(-1).total], ["execute", 8]);
    assert.ok(events.filter(({ event }) => event === "change").length >= 8);
  });

  test("that is aborted finishes what is under way, and gives its report", async () => {
    const wish = Array.from({ length: 8 }, (_, id) => ({ id, title: `book ${id}` }));
    const abort = new AbortController();
    let calls = 0;
    const actual = shelf([], {
      async apply(changes) {
        calls += 1;
        abort.abort();
        await pause(50);
        return changes.map(() => "done");
      },
    });
    const { store, plan, grant, gate } = await granted(actual, wish);
    const executor = new tu.Executor(store, { batch: 1, in_flight: 1, verify: false });
    const report = await executor.execute(plan, grant, { gate, actual, signal: abort.signal });
    assert.equal(report.status, "cancelled");
    assert.equal(calls, 1);
    assert.deepEqual([report.counts.done, report.changes[0].state], [1, "done"]);
    const late = executor.execute(plan, grant, { gate, actual, signal: AbortSignal.abort() });
    assert.ok((await fails(() => late, "cancelled")).cause);
  });

  test("goes on where nobody waits for it: a dropped promise loses no outcome", () => {
    const db = file("trueup.db");
    const script = `
      const tu = require("trueup");
      const { granted, shelf } = require("./test/helpers.js");
      const { setTimeout: pause } = require("node:timers/promises");
      (async () => {
        const actual = shelf([], { apply: async (changes) => { await pause(200); return changes.map(() => "done"); } });
        const store = await tu.Store.open(${JSON.stringify(db)});
        const { plan, grant, gate } = await granted(actual, [{ id: 1, title: "Emma" }], { store });
        new tu.Executor(store, { verify: false }).execute(plan, grant, { gate, actual });
        store.close();
      })();`;
    const ran = run(script);
    assert.equal(ran.status, 0, ran.stderr);
    const look = run(`
      require("trueup").Store.open(${JSON.stringify(db)}).then(async (store) => {
        const kinds = (await store.logEntries()).map((entry) => entry.kind);
        console.log(JSON.stringify([kinds, await new (require("trueup").Executor)(store).openRuns()]));
      });`);
    const [kinds, open] = JSON.parse(look.stdout);
    assert.deepEqual(open, []);
    assert.ok(kinds.some((kind) => kind.startsWith("run.")), kinds.join());
  });

  test("of a worker that is terminated is taken up again, and a person says what nobody knows", async () => {
    const db = file("trueup.db");
    const { Worker } = require("node:worker_threads");
    const worker = new Worker(
      `const tu = require("trueup");
       const { parentPort } = require("node:worker_threads");
       const { granted, shelf } = require(${JSON.stringify(require.resolve("./helpers.js"))});
       const stuck = () => { parentPort.postMessage("sent"); return new Promise(() => {}); };
       const books = shelf([], { apply: stuck });
       const { describe } = books;
       books.describe = () => {
         const said = describe();
         return { ...said, resources: [{ ...said.resources[0], idempotency: "at_most_once" }] };
       };
       (async () => {
         const store = await tu.Store.open(${JSON.stringify(db)});
         const { plan, grant, gate } = await granted(books, [{ id: 1, title: "Emma" }], { store });
         await new tu.Executor(store).execute(plan, grant, { gate, actual: books });
       })();`,
      { eval: true },
    );
    await new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
    await worker.terminate();
    const store = await tu.Store.open(db);
    const executor = new tu.Executor(store);
    for (let n = 0; n < 100 && (await executor.openRuns()).length > 0; n++) await pause(50);
    const entries = await store.logEntries();
    const ended = entries.findLast((entry) => entry.kind.startsWith("run."));
    assert.ok(ended, entries.map((entry) => entry.kind).join());
    const name = ended.payload.run;
    await executor.answer(name, 0, false, { by: "person:bo", reason: "I looked" });
    assert.ok((await store.logEntries()).length > entries.length);
    store.close();
  });
});

describe("what apply answers", () => {
  const only = { id: 1, title: "Emma" };

  async function outcome(apply, more = {}) {
    const actual = shelf([], { apply, ...more });
    const { store, plan, grant, gate } = await granted(actual, [only]);
    const report = await new tu.Executor(store, { verify: false }).execute(plan, grant, { gate, actual });
    return report.changes[0];
  }

  test("an exception makes every change unknown, with its stack as the cause", async () => {
    const wish = [only, { id: 2, title: "Dune" }];
    const boom = new RangeError("the shelf fell over");
    const stolen = ({ resources, ...said }) => ({
      ...said,
      resources: resources.map((resource) => ({ ...resource, idempotency: "at_most_once" })),
    });
    for (const apply of [() => { throw boom; }, async () => { throw boom; }]) {
      const actual = shelf([], { apply });
      const { describe } = actual;
      actual.describe = () => stolen(describe());
      const { store, plan, grant, gate } = await granted(actual, wish);
      const report = await new tu.Executor(store, { batch: 2 }).execute(plan, grant, { gate, actual });
      assert.deepEqual(report.changes.map((change) => change.state), ["unknown", "unknown"]);
      assert.deepEqual(report.questions, [0, 1]);
      assert.ok(report.changes.every((change) => change.cause === boom));
      assert.match(report.changes[0].cause.stack, /execute\.test\.js/);
      assert.match(report.changes[0].error, /the shelf fell over/);
      await new tu.Executor(store).answer(report.run, 0, true, { by: "person:bo", reason: "it is there" });
    }
  });

  test("receipts, as text, objects or made", async () => {
    const receipts = {
      done: ["done", () => ["done"]],
      "done, with id and version": ["done", () => [tu.Receipt.done({ id: "b-1", version: "7" })]],
      stale: ["stale", () => [tu.Receipt.stale()]],
      failed: ["failed", async () => [tu.Receipt.failed(new tu.TrueupError("forbidden", "not yours"))]],
      refused: ["refused", () => [{ state: "refused", message: "no paper" }]],
    };
    for (const [what, [state, apply]] of Object.entries(receipts)) {
      assert.equal((await outcome(apply)).state, state, what);
    }
    const done = await outcome(() => [tu.Receipt.done({ id: "b-1", version: "7" })]);
    assert.deepEqual([done.id, done.version], ["b-1", "7"]);
    assert.match((await outcome(() => [tu.Receipt.failed("not yours")])).error, /not yours/);
  });

  test("pending changes are asked after", async () => {
    const asked = [];
    const status = (handle) => (asked.push(handle), asked.length < 2 ? tu.Receipt.pending(handle, { checkAfter: 0.05 }) : "done");
    const change = await outcome(() => [tu.Receipt.pending("job-7", { checkAfter: 0.05 })], { status });
    assert.deepEqual([change.state, asked], ["done", ["job-7", "job-7"]]);
  });

  test("changes have the values of JavaScript", async () => {
    let got;
    await outcome((changes) => ((got = changes[0]), ["done"]));
    assert.ok(got instanceof tu.Change);
    assert.deepEqual([got.resource, got.operation, got.key, got.after.title], ["books", "create", { id: 1 }, "Emma"]);
    assert.ok(got.idempotencyKey.length > 10);
    assert.equal(got.standing(null), "holds");
    assert.equal(got.standing({ id: 1, title: "Emma" }), "already");
    assert.equal(got.standing({ id: 1, title: "Dune" }), "stale");
  });

  test("what breaks the contract makes changes unknown, and says how", async () => {
    for (const [what, apply] of Object.entries({
      "too few": () => [],
      "no array": () => "done",
      "no state": () => [{ state: "doen" }],
      nothing: undefined,
    })) {
      const change = await outcome(apply);
      assert.ok(["unknown", "failed"].includes(change.state), `${what}: ${change.state}`);
      assert.ok(change.error.length > 10, what);
    }
  });
});

describe("executors take what they are made for", () => {
  test("wrong arguments are named", async () => {
    assert.throws(() => new tu.Executor({}), { name: "TypeError", message: /`store` must be a Store/ });
    const store = await tu.Store.inMemory();
    assert.throws(() => new tu.Executor(store).execute({}, {}, {}), { message: /`grant` must be a Grant/ });
    assert.throws(() => new tu.PolicyGate({}, { actor: "a" }), { message: /`policy` must be a Policy/ });
    const { plan, grant, gate } = await granted(shelf(), WISH);
    const settings = new tu.Executor(store, { in_flght: 1 });
    assert.match((await fails(() => settings.execute(plan, grant, { gate, actual: shelf() }), "invalid")).message, /in_flght/);
    assert.throws(() => new tu.Executor(store).execute(plan, grant, { actual: shelf() }), { message: /`gate` must be/ });
  });
});
