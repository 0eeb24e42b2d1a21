// The golden scenarios through Node: one JSON line each, with name, passed, digest and error kind.
//
//     node scenarios.js [FILE OR FOLDER]
"use strict";

const { readFileSync, readdirSync, statSync } = require("node:fs");
const path = require("node:path");
const { isDeepStrictEqual } = require("node:util");

const tu = require("trueup");

const FOLDER = path.resolve(__dirname, "../../../tests/scenarios");

async function main() {
  const lines = [];
  for (const file of files(process.argv[2] ?? FOLDER)) lines.push(await check(file));
  for (const line of lines) console.log(JSON.stringify(line));
  process.exitCode = lines.length > 0 && lines.every((line) => line.passed) ? 0 : 1;
}

function files(place) {
  if (!statSync(place).isDirectory()) return [place];
  const names = readdirSync(place).filter((name) => name.endsWith(".json"));
  return names.sort().map((name) => path.join(place, name));
}

/** What came of one scenario; `why` says what is wrong with it. */
async function check(file) {
  const scenario = parse(readFileSync(file, "utf8"));
  const line = { name: scenario.name, passed: false, digest: null, error: null };
  let differences;
  try {
    const { report, roots } = await run(scenario);
    line.digest = await report.digest();
    differences = [...(await compare(report, roots, scenario.want)), ...(await comparePlan(report, scenario.plan))];
  } catch (error) {
    if (!(error instanceof tu.TrueupError)) throw error;
    line.error = error.code;
    differences = compareError(error, scenario.want.error);
  }
  line.passed = differences.length === 0;
  return line.passed ? line : { ...line, why: differences };
}

/** JSON with integers beyond 2^53 as bigint, which `JSON.parse` would round. */
function parse(text) {
  const marked = text.replace(/"(?:[^"\\]|\\.)*"|-?\d{16,}(?![\d.eE])/g, (token) =>
    token.startsWith('"') ? token : `{"wide integer": "${token}"}`,
  );
  return JSON.parse(marked, (_, value) => (value?.["wide integer"] ? BigInt(value["wide integer"]) : value));
}

async function run(scenario) {
  const { mapping } = scenario;
  const document = tu.Reconciliation.fromJSON({ ...scenario.reconciliation, ...(mapping && { mapping }) });
  const expected = await snapshot(scenario, "expected");
  const actual = await snapshot(scenario, "actual");
  const base = scenario.base && (await records(scenario.base));
  const report = await document.run(expected, actual, { base });
  const roots = [
    await expected.contentRoot(systemKey(scenario, "expected")),
    await actual.contentRoot(systemKey(scenario, "actual")),
  ];
  return { report, roots };
}

/** A side's records; what is wrong with them says which side it is. */
async function snapshot(scenario, side) {
  try {
    const read = scenario.plan?.[`${side}_read`] ?? "";
    return (await records(scenario[side])).withFacts({ provenance: { read_id: read } });
  } catch (error) {
    if (!(error instanceof tu.TrueupError)) throw error;
    throw new tu.TrueupError(error.code, `${error.message} (side: ${side})`);
  }
}

function records({ fields, rows, coverage }) {
  return tu.Snapshot.from(rows.map((row) => row.map(cell)), { schema: fields, coverage });
}

/** A cell that JSON lacks, as scenarios write it. */
function cell(json) {
  const words = { nan: NaN, inf: Infinity, "-inf": -Infinity };
  return typeof json?.float === "string" && json.float in words ? words[json.float] : json;
}

function systemKey(scenario, side) {
  const names = scenario.mapping?.[side]?.fields ?? {};
  return scenario.reconciliation.key.map((name) => names[name] ?? name);
}

async function compare(report, roots, want) {
  if (want.error) return [`no error, but ${JSON.stringify(want.error)} is wanted`];
  const { renamed, ...counts } = report.counts;
  const states = await report.states();
  const got = {
    counts,
    renamed,
    counts_by_field: report.countsByField,
    rules_digest: report.rulesDigest,
    digest: await report.digest(),
    expected_root: roots[0],
    actual_root: roots[1],
    findings: (await report.findings.toRows()).map((row) => finding(row, states)),
  };
  const findings = want.findings.map(({ key, ...finding }) => finding);
  const wanted = { ...want, renamed: want.renamed ?? 0, findings };
  const wrong = Object.keys(got).filter((name) => !isDeepStrictEqual(got[name], wanted[name]));
  return wrong.map((name) => `${name}: ${show(got[name])} instead of ${show(wanted[name])}`);
}

/** A finding as scenarios have it, but for the key, which its id covers. */
function finding({ finding_id: id, kind, field, expected, actual, cause }, states) {
  return { id, kind, field, expected, actual, state: states[id], ...(cause === undefined ? {} : { cause }) };
}

async function comparePlan(report, want) {
  if (want === undefined) return [];
  const plan = await report.plan();
  const got = plan.changes.map(({ target, operation, wave }) => [target, operation, wave]);
  const wanted = want.changes.map(({ target, op, wave }) => [target, op, wave]);
  const wrong = isDeepStrictEqual(got, wanted) ? [] : [`changes: ${show(got)} instead of ${show(wanted)}`];
  return plan.digest === want.digest ? wrong : [...wrong, `digest of the plan: ${plan.digest}`];
}

function compareError(error, want) {
  if (want === undefined) return [`${error.code}: ${error.message}`];
  const missing = want.contains.filter((piece) => !error.message.includes(piece));
  const wrong = error.code === want.kind ? [] : [`${error.code} instead of ${want.kind}`];
  return [...wrong, ...missing.map((piece) => `\`${piece}\` is not in: ${error.message}`)];
}

function show(value) {
  return JSON.stringify(value);
}

module.exports = { FOLDER, check, files };

if (require.main === module) main();
