// Work in the background: progress, cancelling, the end of the process, workers.
"use strict";

const assert = require("node:assert/strict");
const { describe, test } = require("node:test");
const { Worker } = require("node:worker_threads");

const tu = require("trueup");
const { fails, many, run } = require("./helpers.js");

const big = many(400_000);

describe("cancelling", () => {
  test("by a signal that is aborted already", async () => {
    const signal = AbortSignal.abort("too late");
    const error = await fails(() => tu.reconcile(big, big, { key: "id", signal }), "cancelled");
    assert.equal(error.cause, "too late");
  });

  test("by a signal while it goes on, and by hand", async () => {
    const abort = new AbortController();
    const work = tu.reconcile(big, big, { key: "id", signal: abort.signal });
    setImmediate(() => abort.abort());
    await fails(() => work, "cancelled");
    const other = tu.reconcile(big, big, { key: "id" });
    setImmediate(() => other.cancel());
    await fails(() => other, "cancelled");
  });

  test("after the end it does nothing", async () => {
    const abort = new AbortController();
    const work = tu.reconcile([{ id: 1 }], [{ id: 1 }], { key: "id", signal: abort.signal });
    assert.equal((await work).converged, true);
    abort.abort();
    work.cancel();
    assert.equal((await work).converged, true);
  });

  test("a signal that is none", async () => {
    assert.throws(() => tu.reconcile([], [], { key: "id", signal: {} }), { name: "TypeError", message: /`signal`/ });
  });
});

describe("progress", () => {
  test("for await", async () => {
    const work = tu.reconcile(big, many(400_000, (id) => `other ${id}`), { key: "id" });
    const stages = [];
    for await (const { stage, done, total } of work.progress()) {
      assert.ok(typeof done === "number" && (total === undefined || done <= total));
      stages.push(stage);
    }
    assert.equal((await work).counts.changed, 400_000);
    assert.ok(stages.length > 0);
  });

  test("by a function", async () => {
    let told = 0;
    await tu.reconcile(big, many(400_000, (id) => `other ${id}`), { key: "id", progress: () => (told += 1) });
    assert.ok(told > 0);
  });

  test("the event loop goes on", async () => {
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 1);
    await tu.reconcile(big, many(400_000, (id) => `other ${id}`), { key: "id" });
    clearInterval(timer);
    assert.ok(turns > 0);
  });
});

describe("the process", () => {
  test("ends when the work is done, not before", () => {
    const ran = run(`
      const tu = require("trueup");
      tu.reconcile([{ id: 1 }], [{ id: 1 }], { key: "id" }).then((report) => console.log(String(report)));`);
    assert.deepEqual([ran.status, ran.stdout], [0, "matched 1\n"], ran.stderr);
  });

  test("ends at once when told so, while work goes on", () => {
    const ran = run(`
      const tu = require("trueup");
      const rows = Array.from({ length: 300000 }, (_, id) => ({ id, value: "v" + id }));
      const stuck = { describe: () => new Promise(() => {}), readPage() {} };
      tu.read(stuck, "r").catch(() => {});
      tu.reconcile(rows, rows, { key: "id" }).catch(() => {});
      setTimeout(() => process.exit(3), 20);`);
    assert.equal(ran.status, 3, ran.stderr);
  });

  test("an error nobody catches ends it as any other would", () => {
    const ran = run(`require("trueup").Snapshot.from("/no/such/file.csv")`);
    assert.equal(ran.status, 1);
    assert.match(ran.stderr, /code: 'not_found'/);
  });

  test("many readings leave nothing behind", () => {
    const ran = run(
      `
      const tu = require("trueup");
      const fields = [{ name: "n", type: "int", role: "key" }];
      let made = 0, gone = 0;
      const registry = new FinalizationRegistry(() => (gone += 1));
      const connector = () => {
        const object = {
          describe: () => ({ system: "s", resources: [{ name: "r", fields }] }),
          readPage() { if (made % 3 === 0) throw new Error("no"); return { records: [{ n: 1 }] }; },
        };
        made += 1;
        registry.register(object);
        return object;
      };
      (async () => {
        for (let n = 0; n < 300; n++) await tu.read(connector(), "r").catch(() => undefined);
        for (let n = 0; n < 50 && gone < made * 0.9; n++) {
          global.gc();
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
        console.log(gone >= made * 0.9);
      })();`,
      "--expose-gc",
    );
    assert.deepEqual([ran.status, ran.stdout], [0, "true\n"], ran.stderr);
  });
});

describe("workers", () => {
  const script = `
    const tu = require("trueup");
    const { parentPort } = require("node:worker_threads");
    const stuck = { describe: () => new Promise(() => {}), readPage() {} };
    tu.read(stuck, "r").catch(() => {});
    tu.reconcile([{ id: 1 }], [{ id: 1 }], { key: "id" }).then((r) => parentPort.postMessage(String(r)));`;

  test("work, and may be terminated while work goes on", async () => {
    for (let round = 0; round < 5; round++) {
      const worker = new Worker(script, { eval: true });
      const said = await new Promise((resolve, reject) => {
        worker.once("message", resolve);
        worker.once("error", reject);
      });
      assert.equal(said, "matched 1");
      await worker.terminate();
    }
    assert.equal((await tu.reconcile([{ id: 1 }], [{ id: 1 }], { key: "id" })).converged, true);
  });
});
