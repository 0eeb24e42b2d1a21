// The types as people use them: checked by `tsc --strict`, never run.
import {
  Connector,
  Executor,
  Files,
  Grant,
  Key,
  Plan,
  Planner,
  Policy,
  PolicyGate,
  Receipt,
  Reconciliation,
  Report,
  Snapshot,
  Store,
  TrueupError,
  conformance,
  drift,
  ignore,
  layered,
  pages,
  read,
  reconcile,
  text,
  tolerance,
  verifyEvidence,
  type Approval,
  type CallContext,
  type Change,
  type ConnectorLike,
  type Counts,
  type Decision,
  type Description,
  type GivenReceipt,
  type Kind,
  type Page,
  type ReadRequest,
  type Row,
  type Run,
  type RunReport,
  type Standing,
  type Verdict,
  type Work,
} from "trueup";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function is<T extends true>(_: T[] = []): void {}

interface Site {
  id: number;
  site: string;
}

const sites: Site[] = [];
const work = reconcile(sites, new Uint8Array(), { key: ["id"], compare: { gib: tolerance(4), x: ignore(), y: "ignore" } });
is<Equal<typeof work, Work<Report>>>();
const report = await work;
is<Equal<typeof report.counts, Counts>>();
is<Equal<typeof report.converged, boolean>>();

for await (const row of report.findings) is<Equal<typeof row, Row>>();
for await (const { stage, done, total } of work.progress()) {
  is<Equal<typeof stage, string>>();
  is<Equal<typeof done, number>>();
  is<Equal<typeof total, number | undefined>>();
}

const digest: string = await report.digest();
const bytes: Uint8Array = await report.findings.toIPC();
const snapshot: Snapshot = await Snapshot.from([[1, "x"]], {
  schema: { id: "int", site: "text" },
  coverage: { within: { field: "site", is: "x" } },
  signal: AbortSignal.timeout(1000),
  progress: ({ done }) => void done,
});
const base: Snapshot = await report.advance();
const three = await new Reconciliation({ key: "id" }).run(snapshot, "sites.csv", { base, threads: 2 });
const opened: Row[] = await (await drift(report, three)).opened.toRows();
const plan: Plan = await new Planner({ kinds: ["missing"] }).plan(report);
const narrow: Plan = plan.narrow((change) => change.operation !== "delete" && change.target === "actual");
const rule = text({ case: "ignore" }).and(tolerance({ relative: "0.1" }));

class Shelf extends Connector {
  override describe(): Description {
    return { system: "shelf", resources: [{ name: "books", fields: [{ name: "id", type: "int", role: "key" }] }] };
  }
  override async readPage(request: ReadRequest, context?: CallContext): Promise<Page> {
    return { records: [{ id: 1n, seen: context?.signal.aborted }], next: request.cursor };
  }
}
class Writable extends Shelf implements ConnectorLike {
  async apply(changes: readonly Change[], { signal }: CallContext): Promise<GivenReceipt[]> {
    return changes.map((change) => {
      if (signal.aborted) return Receipt.refused(new TrueupError("cancelled", "nobody waits"));
      return change.standing({ id: 1 }) === "stale" ? "stale" : Receipt.done({ version: change.idempotencyKey });
    });
  }
  status(handle: string): GivenReceipt {
    return Receipt.pending(handle, { checkAfter: 2 });
  }
}
const store: Store = await Store.open("trueup.db", { mode: "create", busy_ms: 10 });
const policy = Policy.standard();
const decision: Decision = await policy.decide(plan, { actor: ["agent:a", "person:b"], now: new Date(), facts: { lost: true } });
const answer: Approval = await decision.question().approve("person:c", { roles: ["owner"] }).sign(Key.generate("c"));
const standing: Standing = decision.question().standing([answer], { keys: { "person:c": ["key"] } });
if (standing.state === "granted") {
  is<Equal<typeof standing.grant, Grant>>();
  const gate = new PolicyGate(policy, { actor: "agent:a" });
  const actual = await layered(new Writable(), { retry: { attempts: 3 }, readOnly: false });
  const run: Run = new Executor(store, { batch: 2 }).execute(plan, standing.grant, { gate, actual });
  for await (const event of run.events()) if (event.event === "change") is<Equal<typeof event.place, number>>();
  const done: RunReport = await run;
  const verdict: Verdict = await verifyEvidence(await store.evidence(done, Key.generate("log")), { logs: [] });
  void [verdict.holds, plan.rollback(done.effects, { reading: { read_id: "r" } }).plan];
}
const promises: string[] = await conformance(() => ({ connector: new Writable(), truth: { books: [{ id: 1 }] } }));
const books: Snapshot = await new Shelf().read("books");
const plain = read({ describe: () => new Shelf().describe(), readPage: () => ({ records: [] }) }, "books");
for await (const page of pages(new Files("a.csv"), "a")) await page.records.count();

try {
  await plain;
} catch (error) {
  if (error instanceof TrueupError) is<Equal<typeof error.code, Kind>>();
}

// @ts-expect-error a key is needed
reconcile(sites, sites, { name: "sites" });
// @ts-expect-error no such option
reconcile(sites, sites, { key: "id", comapre: {} });
// @ts-expect-error no such kind
new Planner({ kinds: ["chagned"] });
// @ts-expect-error reports are made by reconciling
new Report();
// @ts-expect-error counts are not written
report.counts.missing = 1;
// @ts-expect-error a connector has pages
read({ describe: () => new Shelf().describe() }, "books");

// @ts-expect-error grants are made by answers
new Grant();
// @ts-expect-error a person answers in a role
decision.question().approve("person:c");
// @ts-expect-error a run has a gate
new Executor(store).execute(plan, {} as Grant, { actual: new Writable() });
// @ts-expect-error no such receipt
const wrong: GivenReceipt = "doen";

void [promises, wrong, digest, bytes, opened, narrow, rule, books];
