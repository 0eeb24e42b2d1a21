// Runs whose connectors throw, stall and are cancelled at random: none hangs, none loses an outcome, nothing stays behind.
//
// TRUEUP_DEEP=1 makes it 10,000 runs.
"use strict";

const assert = require("node:assert/strict");
const { test } = require("node:test");
const { setTimeout: pause } = require("node:timers/promises");

const tu = require("trueup");
const { granted, shelf } = require("./helpers.js");

const RUNS = process.env.TRUEUP_DEEP === "1" ? 10_000 : 150;
const WISH = Array.from({ length: 4 }, (_, id) => ({ id, title: `book ${id}` }));

/** Numbers that look random, and are the same every time. */
function dice(seed) {
  let state = seed;
  return (sides) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * sides);
  };
}

async function once(roll, abort) {
  const taken = new Set();
  const actual = shelf();
  const { apply, describe } = actual;
  actual.describe = () => {
    const [books] = describe().resources;
    return { system: "shelf", resources: [{ ...books, idempotency: "at_most_once" }] };
  };
  actual.apply = async (changes) => {
    if (roll(3) === 0) await pause(roll(4));
    if (roll(6) === 0) abort.abort();
    if (roll(5) === 0) throw new Error("before anything was done");
    apply(changes).forEach((_, at) => taken.add(changes[at].key.id));
    if (roll(5) === 0) throw new Error("after it was done");
    return changes.map(() => (roll(8) === 0 ? tu.Receipt.unknown("who knows") : "done"));
  };
  const { store, plan, grant, gate } = await granted(actual, WISH);
  const executor = new tu.Executor(store, { batch: 1 + roll(3), in_flight: 1 + roll(2), verify: false });
  const run = executor.execute(plan, grant, { gate, actual, signal: abort.signal });
  if (roll(10) === 0) run.cancel();
  const report = await run.catch((error) => error);
  store.close();
  if (report instanceof tu.TrueupError) {
    assert.deepEqual([report.code, taken.size], ["cancelled", 0], report.message);
    return;
  }
  for (const { place, state } of report.changes) {
    const { id } = plan.changes[place].key;
    // What took place is done or asked about, and what is done took place.
    if (taken.has(id)) assert.ok(["done", "unknown"].includes(state), `${id} took place and is ${state}`);
    if (state === "done") assert.ok(taken.has(id), `${id} is done and did not take place`);
  }
}

test(`${RUNS} runs`, { timeout: 60_000 + RUNS * 100 }, async () => {
  const roll = dice(7);
  let start;
  for (let n = 0; n < RUNS; n++) {
    await once(roll, new AbortController());
    if (n === Math.floor(RUNS / 3)) start = process.memoryUsage().rss;
  }
  const grown = (process.memoryUsage().rss - start) / 2 ** 20;
  assert.ok(grown < 64, `${grown.toFixed(0)} MiB stay behind`);
});
