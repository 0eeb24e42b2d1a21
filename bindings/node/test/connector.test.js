// Connectors of JavaScript run under the same engine as those that come along.
"use strict";

const assert = require("node:assert/strict");
const { spawnSync } = require("node:child_process");
const { once } = require("node:events");
const { writeFileSync } = require("node:fs");
const { createServer } = require("node:net");
const { describe, test } = require("node:test");
const { setTimeout: pause } = require("node:timers/promises");

const arrow = require("apache-arrow");

const tu = require("trueup");
const { fails, file, run } = require("./helpers.js");

const fields = [
  { name: "n", type: "int", role: "key" },
  { name: "day", type: "date" },
];

/** A connector of three pages; members stand over its own. */
function numbers(members = {}) {
  return {
    describe: () => ({ system: "numbers", resources: [{ name: "small", fields }] }),
    readPage({ cursor }) {
      const start = Number(cursor ?? 0);
      const records = [start, start + 1].map((n) => ({ n, day: "2026-01-31" }));
      return { records, next: start === 4 ? null : String(start + 2) };
    },
    ...members,
  };
}

describe("reading", () => {
  test("by value", async () => {
    const snapshot = await tu.read(numbers(), "small");
    assert.deepEqual((await snapshot.toRows()).map((row) => row.n), [0, 1, 2, 3, 4, 5]);
    assert.equal(snapshot.fields[1].type, "date");
    assert.equal(snapshot.provenance.system, "numbers");
  });

  test("by promise, from a class, with `this`", async () => {
    class Numbers extends tu.Connector {
      #pages = 0;
      async describe() {
        return numbers().describe();
      }
      async readPage(request) {
        await pause(1);
        this.#pages += 1;
        return numbers().readPage(request);
      }
      get count() {
        return this.#pages;
      }
    }
    const connector = new Numbers();
    assert.equal((await connector.read("small")).length, 6);
    assert.equal(connector.count, 3);
    await tu.check(connector);
  });

  test("pages one by one, as Arrow bytes, through another connector", async () => {
    const table = arrow.tableFromArrays({ n: BigInt64Array.of(7n) });
    const bytes = numbers({
      describe: () => ({ system: "a", resources: [{ name: "small", fields: fields.slice(0, 1) }] }),
      readPage: () => ({ records: arrow.tableToIPC(table) }),
    });
    assert.deepEqual(await (await tu.read(bytes, "small")).toRows(), [{ n: 7 }]);
    const inner = numbers();
    const outer = numbers({
      async readPage({ resource, cursor }) {
        for await (const page of tu.pages(inner, resource)) if (cursor === null || page.next === null) return page;
      },
    });
    let rows = 0;
    for await (const page of tu.pages(outer, "small")) rows += await page.records.count();
    assert.equal(rows, 4);
  });

  test("what it says of itself", async () => {
    const said = await tu.describe(numbers());
    assert.deepEqual([said.system, said.resources[0].fields[0].role], ["numbers", "key"]);
  });

  test("many at once", async () => {
    const slow = numbers({ readPage: async (request) => (await pause(5), numbers().readPage(request)) });
    const snapshots = await Promise.all(Array.from({ length: 50 }, () => tu.read(slow, "small")));
    assert.ok(snapshots.every((snapshot) => snapshot.length === 6));
  });
});

describe("what goes wrong", () => {
  for (const [how, readPage] of Object.entries({
    thrown: () => {
      throw new RangeError("out of paper");
    },
    rejected: async () => {
      await null;
      throw new RangeError("out of paper");
    },
  })) {
    test(`an exception that is ${how} is the cause, with its stack`, async () => {
      const error = await fails(() => tu.read(numbers({ readPage }), "small"), "protocol");
      assert.equal(error.message, "the connector threw `RangeError: out of paper`");
      assert.ok(error.cause instanceof RangeError);
      assert.match(error.cause.stack, /connector\.test\.js/);
    });
  }

  test("an error of ours keeps its code and message", async () => {
    const ours = new tu.TrueupError("throttled", "too many calls", { retryAfter: 1.5 });
    const readPage = () => Promise.reject(ours);
    const error = await fails(() => tu.read(numbers({ readPage }), "small"), "throttled");
    assert.deepEqual([error.message, error.retryAfter, error.cause === ours], ["too many calls", 1.5, true]);
  });

  test("what cannot be reached is unavailable", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address();
    server.close();
    await once(server, "close");
    const readPage = () => fetch(`http://127.0.0.1:${port}/`);
    await fails(() => tu.read(numbers({ readPage }), "small"), "unavailable");
  });

  test("anything may be thrown", async () => {
    const hostile = new Proxy({}, { get: () => { throw new Error("do not touch"); } });
    for (const thrown of [undefined, null, 7, "text", 7n, Symbol("s"), {}, Object.create(null), hostile, () => 1]) {
      const readPage = () => {
        throw thrown;
      };
      const error = await fails(() => tu.read(numbers({ readPage }), "small"), "protocol");
      assert.ok(Object.is(error.cause, thrown));
    }
  });

  test("what breaks the contract is named", async () => {
    const broken = {
      "no records": () => ({}),
      nothing: () => undefined,
      "an unknown member": () => ({ records: [], nxet: "1" }),
      "a cursor that is no text": () => ({ records: [], next: 7 }),
      "a cursor that stands twice": () => ({ records: [], next: "1" }),
    };
    for (const [what, readPage] of Object.entries(broken)) {
      await fails(() => tu.read(numbers({ readPage }), "small"), "protocol").catch((error) =>
        assert.fail(`${what}: ${error.message}`),
      );
    }
    const wrong = () => ({ records: [{ n: "x", day: null }] });
    assert.match((await fails(() => tu.read(numbers({ readPage: wrong }), "small"), "data")).message, /column: n/);
    await fails(() => tu.read(numbers({ describe: () => ({ system: "x" }) }), "small"), "protocol");
    await fails(() => tu.read(numbers(), "smal"), "not_found");
    assert.throws(() => tu.read({}, "small"), { name: "TypeError", message: /`connector` must be/ });
  });

  test("a check that fails", async () => {
    const check = () => {
      throw new tu.TrueupError("forbidden", "the token has no scope `read`");
    };
    assert.equal((await fails(() => tu.check(numbers({ check })), "forbidden")).message, "the token has no scope `read`");
  });

  test("a cancelled reading aborts the call's signal", async () => {
    const abort = new AbortController();
    let told;
    const stuck = numbers({
      readPage: (_, { signal }) =>
        new Promise((resolve) => {
          told = new Promise((aborted) => signal.addEventListener("abort", aborted));
          setTimeout(resolve, 60_000).unref();
          abort.abort(new Error("enough"));
        }),
    });
    const error = await fails(() => tu.read(stuck, "small", { signal: abort.signal }), "cancelled");
    assert.equal(error.cause.message, "enough");
    await told;
  });

  test("the process goes on, and ends by itself", () => {
    const ran = run(`
      const tu = require("trueup");
      const connector = { describe() { throw new Error("no") }, readPage() {} };
      (async () => {
        for (let n = 0; n < 200; n++) await tu.read(connector, "r").catch((error) => error.code);
        console.log("went on");
      })();`);
    assert.deepEqual([ran.status, ran.stdout], [0, "went on\n"], ran.stderr);
  });
});

describe("those that come along", () => {
  test("files", async () => {
    const csv = file("stock.csv");
    writeFileSync(csv, "sku;n\na;1\n");
    const files = new tu.Files({ path: csv, key: ["sku"], csv: { delimiter: ";" } });
    assert.deepEqual((await files.describe()).resources[0].name, "stock");
    assert.deepEqual(await (await files.read("stock")).toRows(), [{ sku: "a", n: 1 }]);
    await files.check();
    await fails(() => new tu.Files({ path: csv, kye: ["sku"] }), "invalid");
  });

  test("sqlite", async () => {
    const python = `import sqlite3, sys
db = sqlite3.connect(sys.argv[1]); db.execute("create table t (id integer primary key, name text)")
db.execute("insert into t values (1, 'a')"); db.commit()`;
    const db = file("t.db");
    assert.equal(spawnSync("python3", ["-c", python, db]).status, 0);
    const sqlite = await tu.Sqlite.open(db, { resources: ["t"] });
    assert.deepEqual(await (await sqlite.read("t")).toRows(), [{ id: 1, name: "a" }]);
    let rows = 0;
    for await (const page of sqlite.pages("t")) rows += await page.records.count();
    assert.equal(rows, 1);
    await fails(() => tu.Sqlite.open(db, { resuorces: [] }), "invalid");
  });

  test("postgres tells what stands in the way, and no password", async () => {
    const options = { password: "not shown" };
    const error = await fails(() => tu.Postgres.connect("postgres://u@127.0.0.1:1/d", options), "unavailable");
    assert.doesNotMatch(error.message, /not shown/);
  });
});
