// What crossing into Node costs, as JSON lines: medians in milliseconds, of runs that take turns.
//
//     node --expose-gc bench.mjs [FOLDER]
//
// FOLDER has `expected.arrow`, `actual.arrow` and `truth.json`, as `make bench` generates them: a comparison of bytes that are
// copied or given away, beside what is native of it (decoding where the bytes are, one side after the other, then comparing).
// Without it there is only the connector: pages of a thousand, beside making their rows.
import { readFileSync } from "node:fs";
import path from "node:path";

import { Snapshot, read, reconcile, transfer } from "trueup";

const [ROUNDS, ROWS, PAGE] = [7, 100_000, 1_000];

/** Each case gives, untimed, the work that is timed. */
async function compare(cases) {
  const times = Object.fromEntries(Object.keys(cases).map((name) => [name, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, prepare] of Object.entries(cases)) {
      const work = await prepare();
      globalThis.gc?.();
      const start = performance.now();
      await work();
      times[name].push(performance.now() - start);
    }
  }
  const median = (all) => Number(all.toSorted((a, b) => a - b)[ROUNDS >> 1].toFixed(1));
  console.log(JSON.stringify(Object.fromEntries(Object.entries(times).map(([name, all]) => [name, median(all)]))));
}

async function bytes(folder) {
  const { key } = JSON.parse(readFileSync(path.join(folder, "truth.json"), "utf8"));
  const [expected, actual] = ["expected", "actual"].map((side) => readFileSync(path.join(folder, `${side}.arrow`)));
  const sides = () => [expected, actual].map((side) => transfer(new Uint8Array(side)));
  await compare({
    copied: () => () => reconcile(expected, actual, { key }),
    "given away": () => {
      const given = sides();
      return () => reconcile(...given, { key });
    },
    native: () => {
      const [one, other] = sides();
      return async () => reconcile(await Snapshot.from(one), await Snapshot.from(other), { key });
    },
  });
}

const fields = [
  { name: "id", type: "int", role: "key" },
  ...["name", "serial", "user", "site", "os", "state"].map((name) => ({ name, type: "text" })),
  { name: "load", type: "float" },
  { name: "managed", type: "bool" },
  { name: "seen", type: "instant" },
];

function device(id) {
  const texts = { name: `device ${id}`, serial: `serial-${id * 7}`, user: `user ${id % 977}@example.org` };
  const more = { site: `site ${id % 31}`, os: `os ${id % 14}.${id % 9}`, state: "managed" };
  return { id, ...texts, ...more, load: id / 3, managed: id % 2 === 0, seen: new Date(1.7e12 + id * 1000) };
}

function page(start) {
  return Array.from({ length: Math.min(PAGE, ROWS - start) }, (_, n) => device(start + n));
}

const connector = {
  describe: () => ({ system: "bench", resources: [{ name: "devices", fields }] }),
  readPage({ cursor }) {
    const start = Number(cursor ?? 0);
    return { records: page(start), next: start + PAGE < ROWS ? String(start + PAGE) : null };
  },
};

const make = () => {
  for (let start = 0; start < ROWS; start += PAGE) page(start);
};

if (process.argv[2] !== undefined) await bytes(process.argv[2]);
await compare({ "rows made": () => make, "rows read": () => () => read(connector, "devices") });
