// Layers around connectors, tapes, deltas, and the suite that holds connectors to their promises.
"use strict";

const assert = require("node:assert/strict");
const { describe, test } = require("node:test");

const tu = require("trueup");
const { fails, granted, shelf } = require("./helpers.js");

describe("layers", () => {
  test("ask again what could not be answered", async () => {
    let asked = 0;
    const books = shelf([{ id: 1, title: "Emma" }]);
    const readPage = () => {
      asked += 1;
      if (asked < 3) throw new tu.TrueupError("unavailable", "a moment please", { retry: true });
      return { records: [...books.kept.values()] };
    };
    const patient = await tu.layered({ ...books, readPage }, { retry: { attempts: 5, first_ms: 1 }, rate: { calls: 100 } });
    assert.equal((await patient.read("books")).length, 1);
    assert.equal(asked, 3);
    await fails(() => tu.layered(books, { retry: { atempts: 3 } }), "invalid");
  });

  test("end calls in time, and take the writer away", async () => {
    const stuck = shelf([], { readPage: () => new Promise(() => {}) });
    const timed = await tu.layered(stuck, { timeout: { ask_ms: 50 } });
    await fails(() => timed.read("books"), "unavailable");
    const books = shelf();
    const { store, plan, grant, gate } = await granted(books, [{ id: 1, title: "Emma" }]);
    const actual = await tu.layered(books, { readOnly: true });
    const error = await new tu.Executor(store).execute(plan, grant, { gate, actual }).catch((error) => error);
    assert.ok(error instanceof tu.TrueupError, String(error));
    assert.equal(books.kept.size, 0);
  });

  test("a writer works within layers, and its exceptions come out of them", async () => {
    const boom = new Error("the shelf fell over");
    const books = shelf([], {
      apply() {
        throw boom;
      },
      describe() {
        const said = shelf().describe();
        return { ...said, resources: [{ ...said.resources[0], idempotency: "at_most_once" }] };
      },
    });
    const { store, plan, grant, gate } = await granted(books, [{ id: 1, title: "Emma" }]);
    const actual = await tu.layered(books, { retry: {}, timeout: {} });
    const report = await new tu.Executor(store).execute(plan, grant, { gate, actual });
    assert.deepEqual([report.changes[0].state, report.changes[0].cause], ["unknown", boom]);
  });
});

test("a tape says what the system said", async () => {
  const { connector, tape } = await tu.record(shelf([{ id: 1, title: "Emma" }]));
  const rows = await (await connector.read("books")).toRows();
  const again = tu.replay(tape());
  assert.deepEqual(await (await again.read("books")).toRows(), rows);
  await fails(() => tu.replay("nothing"), "data");
});

test("deltas say what changed, and what is gone", async () => {
  const fields = [{ name: "id", type: "int", role: "key" }, { name: "title", type: "text" }];
  const connector = {
    describe: () => ({ system: "s", capability: { delta: true }, resources: [{ name: "books", fields }] }),
    readPage: ({ since }) =>
      since === null
        ? { records: [{ id: 1, title: "a" }, { id: 2, title: "b" }], resume: "t-1" }
        : { records: [{ id: 1, title: `after ${since}` }], removed: [{ key: [2] }], resume: "t-2" },
  };
  const first = await tu.read(connector, "books");
  assert.equal(first.provenance.cursor, "t-1");
  const { records, removed } = await tu.readDelta(connector, "books", "t-1");
  assert.deepEqual(await records.toRows(), [{ id: 1, title: "after t-1" }]);
  assert.deepEqual(removed, [{ key: [2] }]);
  assert.equal(records.provenance.cursor, "t-2");
});

describe("conformance", () => {
  const many = (from, to) => Array.from({ length: to - from }, (_, n) => ({ id: from + n, title: `book ${from + n}` }));

  /** A shelf of two resources, of pages; `spoil` breaks it. */
  function subject(spoil = {}) {
    let broken = false;
    const books = shelf(many(0, 25));
    const page = ({ resource, cursor }) => {
      if (broken) throw new tu.TrueupError("unavailable", "the shelf is gone");
      if (resource !== "books" && resource !== "none") throw new tu.TrueupError("not_found", `no ${resource}`);
      const from = cursor === null ? 0 : Number(resource === "books" ? /^books:(\d+)$/.exec(cursor)?.[1] : NaN);
      if (Number.isNaN(from)) throw new tu.TrueupError("invalid", `\`${cursor}\` is no cursor of mine`);
      const all = resource === "none" ? [] : [...books.kept.values()].sort((a, b) => a.id - b.id);
      return { records: all.slice(from, from + 10), next: from + 10 < all.length ? `books:${from + 10}` : null };
    };
    const connector = {
      ...books,
      describe() {
        const { system, resources } = books.describe();
        return { system, resources: [...resources, { name: "none", fields: resources[0].fields }] };
      },
      readPage: page,
      ...spoil,
    };
    return {
      connector,
      truth: { books: many(0, 25), none: [] },
      writes: { resource: "books", records: many(100, 106) },
      breakSource: () => (broken = true),
    };
  }

  test("a good connector keeps every promise", async () => {
    assert.ok((await tu.conformance(() => subject())).includes("paging"));
  });

  test("a bad one is told which it breaks, and how", async () => {
    const loses = { readPage: () => ({ records: many(0, 24) }) };
    const error = await fails(() => tu.conformance(async () => subject(loses)), "protocol");
    assert.match(error.message, /`paging`/);
    const twice = { apply: (changes) => changes.map(() => "done") };
    assert.match((await fails(() => tu.conformance(() => subject(twice)), "protocol")).message, /`writes`/);
  });

  test("what fails beside the connector is thrown as it is", async () => {
    const boom = new Error("no such tool");
    const error = await fails(() => tu.conformance(() => { throw boom; }), "protocol");
    assert.equal(error.cause, boom);
    assert.throws(() => tu.conformance(7), { message: /`make` must be/ });
  });
});
