// Records in every form become the same columns, and come out as they went in.
"use strict";

const assert = require("node:assert/strict");
const { writeFileSync } = require("node:fs");
const { describe, test } = require("node:test");
const { pathToFileURL } = require("node:url");

const arrow = require("apache-arrow");

const { Snapshot, reconcile, transfer } = require("trueup");
const { fails, file } = require("./helpers.js");

const types = async (rows) => Object.fromEntries((await Snapshot.from(rows)).fields.map((f) => [f.name, f.type]));

describe("rows", () => {
  test("types are the narrowest that hold all values", async () => {
    const rows = [
      { a: 1, b: 1.5, c: "x", d: true, e: new Date(0), f: new Uint8Array([1]), g: [1, 2], h: { n: 1 }, i: null },
      { a: 2n ** 63n, b: 2, c: "é😀\n", d: null, e: null, f: null, g: [], h: null, i: undefined },
    ];
    assert.deepEqual(await types(rows), {
      a: "int",
      b: "float",
      c: "text",
      d: "bool",
      e: "instant",
      f: "bytes",
      g: "list<int>",
      h: "struct<n:int>",
      i: "null",
    });
  });

  test("values come out as they went in", async () => {
    const rows = [
      {
        safe: Number.MAX_SAFE_INTEGER,
        wide: 2n ** 53n + 1n,
        float: 0.1,
        odd: NaN,
        text: "a\nb 😀é\u0000",
        date: new Date("2026-01-31T12:00:00.123Z"),
        bytes: new Uint8Array([0, 255]),
        list: [1, 2],
        struct: { date: "not a date", inner: { x: 2n ** 60n } },
      },
    ];
    assert.deepEqual(await (await Snapshot.from(rows)).toRows(), rows);
  });

  test("what stands in text is not cut elsewhere", async () => {
    const rows = ["", "\n", "ß", "", "a\n\nb", "😀", "\ud83d\ude00x"].map((text, id) => ({ id, text, n: `${text}!` }));
    assert.deepEqual(await (await Snapshot.from(rows)).toRows(), rows);
  });

  test("more rows than are packed at once, and columns that come later", async () => {
    const rows = Array.from({ length: 70_000 }, (_, id) => (id < 40_000 ? { id } : { id, late: `é${id}` }));
    const snapshot = await Snapshot.from(rows);
    assert.equal(snapshot.length, 70_000);
    const out = await snapshot.toRows();
    assert.deepEqual([out[0], out[69_999]], [{ id: 0, late: null }, { id: 69_999, late: "é69999" }]);
  });

  test("a generator of rows", async () => {
    function* rows() {
      yield { id: 1 };
      yield { id: 2 };
    }
    assert.equal((await Snapshot.from(rows())).length, 2);
  });

  test("arrays with a schema, in its order", async () => {
    const snapshot = await Snapshot.from([[1, "2026-01-31"]], { schema: { b: "int", a: "date" } });
    assert.deepEqual(snapshot.fields.map(({ name, type }) => `${name} ${type}`), ["b int", "a date"]);
    const named = await Snapshot.from([{ day: "2026-01-31", price: "1.5" }], {
      schema: [
        { name: "price", type: "decimal(5,2)" },
        { name: "day", type: "date" },
      ],
    });
    assert.deepEqual(await named.toRows(), [{ price: "1.50", day: "2026-01-31" }]);
  });

  test("what cannot be a value is named with its place", async () => {
    const error = await fails(() => Snapshot.from([{ a: 1 }, { a: new Map() }]), "data");
    assert.match(error.message, /^a Map cannot be a value; .* \(row: 1, column: a\)$/);
    assert.match((await fails(() => Snapshot.from([{ a: 1 }, { a: "x" }]), "data")).message, /row: 1.*column: a/);
    assert.match((await fails(() => Snapshot.from([{ a: "x" }, { a: "\ud83d" }]), "data")).message, /row: 1, column: a/);
    assert.match((await fails(() => Snapshot.from([{ a: new Date(NaN) }]), "data")).message, /invalid Date/);
    assert.match((await fails(() => Snapshot.from([{ a: 1 }, 7]), "data")).message, /not a number \(row: 1\)/);
    await fails(() => Snapshot.from([[1]]), "data");
    await fails(() => Snapshot.from([[1], [1, 2]], { schema: { a: "int" } }), "data");
  });
});

describe("arrow", () => {
  const table = arrow.tableFromArrays({
    id: BigInt64Array.of(1n, 2n ** 60n),
    price: Float64Array.of(0.5, 2),
    name: ["a", null],
  });

  for (const format of ["stream", "file"]) {
    test(`bytes of the ${format} format, and back`, async () => {
      const snapshot = await Snapshot.from(arrow.tableToIPC(table, format));
      assert.deepEqual(await snapshot.toRows(), [
        { id: 1, price: 0.5, name: "a" },
        { id: 2n ** 60n, price: 2, name: null },
      ]);
      const back = arrow.tableFromIPC(await snapshot.toIPC());
      assert.deepEqual(back.toString(), table.toString());
    });
  }

  test("findings are a table of apache-arrow", async () => {
    const report = await reconcile(arrow.tableToIPC(table), [{ id: 1, price: 0.5, name: "b" }], { key: "id" });
    const findings = arrow.tableFromIPC(await report.findings.toIPC());
    assert.deepEqual(findings.toArray().map((row) => [row.kind, row.id, row.expected]), [
      ["changed", 1n, "a"],
      ["missing", 2n ** 60n, null],
    ]);
  });

  test("bytes that JavaScript changes later change nothing", async () => {
    const bytes = new Uint8Array(arrow.tableToIPC(table));
    const work = Snapshot.from(bytes);
    bytes.fill(0);
    assert.equal((await work).length, 2);
  });

  test("bytes that are given away are not copied, and gone", async () => {
    const bytes = new Uint8Array(arrow.tableToIPC(table));
    const snapshot = await Snapshot.from(transfer(bytes));
    assert.deepEqual([snapshot.length, bytes.length], [2, 0]);
    const [given, buffer] = [new Uint8Array(arrow.tableToIPC(table)), new Uint8Array(arrow.tableToIPC(table)).buffer];
    assert.equal((await reconcile(transfer(given), transfer(buffer), { key: "id" })).converged, true);
    assert.throws(() => transfer([1]), { name: "TypeError", message: /`bytes` must be/ });
  });

  test("bytes that are cut or no Arrow are an error", async () => {
    const bytes = arrow.tableToIPC(table);
    await fails(() => Snapshot.from(bytes.slice(0, bytes.length / 2)), "data");
    await fails(() => Snapshot.from(new Uint8Array(64).fill(7)), "data");
    await fails(() => Snapshot.from(new Uint8Array()), "data");
  });

  test("a table itself is answered with what to write", () => {
    assert.throws(() => Snapshot.from(table), { name: "TypeError", message: /tableToIPC\(data\)/ });
  });
});

describe("files and snapshots", () => {
  test("a path, a URL, and what a saved snapshot says", async () => {
    const csv = file("sites.csv");
    writeFileSync(csv, "id,site\n1,Bern\n2,Rome\n");
    const [byPath, byUrl] = [await Snapshot.from(csv), await Snapshot.from(pathToFileURL(csv))];
    assert.deepEqual(await byPath.toRows(), await byUrl.toRows());
    const saved = file("sites.parquet");
    const within = { within: { field: "site", is: "Bern" } };
    await byPath.withFacts({ coverage: within, provenance: { read_id: "r-1" } }).save(saved);
    const loaded = await Snapshot.from(saved);
    assert.deepEqual(loaded.coverage, within);
    assert.equal(loaded.provenance.read_id, "r-1");
    assert.equal(await loaded.contentRoot("id"), await byPath.contentRoot(["id"]));
    assert.deepEqual(await (await Snapshot.load(saved)).toRows(), await byPath.toRows());
  });

  test("a file that is not there", () => fails(() => Snapshot.from("/no/such/file.csv"), "not_found"));

  test("facts of a field", async () => {
    const snapshot = (await Snapshot.from([{ id: 1, pin: "0" }])).withField("pin", { secret: true });
    assert.equal(snapshot.fields[1].secret, true);
    const error = await fails(() => snapshot.withField("pni", {}), "not_found").catch(() =>
      fails(() => snapshot.withField("pni", {}), "invalid"),
    );
    assert.match(error.message, /did you mean `pin`/);
  });

  test("arguments of a wrong type are named", () => {
    assert.throws(() => Snapshot.from(7), { name: "TypeError", message: /`data` must be .*, not a number/ });
    assert.throws(() => reconcile([], null, { key: "id" }), { name: "TypeError", message: /`actual` must be/ });
    assert.throws(() => reconcile([], [], { key: 7 }), { name: "TypeError", message: /`key` must be/ });
    assert.throws(() => reconcile([], [], undefined), { name: "TypeError", message: /`options` must be/ });
    assert.throws(() => Snapshot.from("x.csv", { schema: { a: "int" } }), { name: "TypeError", message: /schema/ });
  });
});
