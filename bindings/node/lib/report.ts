import { decode } from "./data.js";
import { wrongType } from "./errors.js";
import { Plan, type PlanOptions } from "./plan.js";
import { pathOf, prepare, type Records } from "./records.js";
import { Snapshot, type Consistency, type Provenance } from "./snapshot.js";
import { Table } from "./table.js";
import { camel } from "./words.js";
import { Work, work, type WorkOptions } from "./work.js";
import native = require("../trueup.node");

/** The kinds of findings. */
export type FindingKind = "missing" | "unexpected" | "changed" | "duplicate" | "unkeyed" | "conflict" | "ambiguous";

/** How many keys there are of each kind; they sum to the distinct keys (`unkeyed` counts rows). */
export interface Counts {
  readonly matched: number;
  readonly missing: number;
  readonly unexpected: number;
  readonly changed: number;
  readonly duplicate: number;
  readonly ambiguous: number;
  readonly conflict: number;
  readonly uncovered: number;
  readonly unkeyed: number;
  /** Of the changed keys, those that are one record under two keys. */
  readonly renamed: number;
}

/** One finding in words. */
export interface Explanation {
  readonly id: string;
  readonly kind: FindingKind;
  readonly cause: string | null;
  readonly key: Readonly<Record<string, string | null>>;
  readonly field: string | null;
  readonly rule: string | null;
  readonly expected: string | null;
  readonly actual: string | null;
  /** What the expected value was compared as, where the rule changed it. */
  readonly expectedAs: string | null;
  readonly actualAs: string | null;
  /** The rows of a finding about several. */
  readonly rows: readonly { readonly side: Side; readonly row: Readonly<Record<string, string | null>> }[];
  /** What would make both sides agree. */
  readonly remedy: string;
  /** All of it, in a few lines. */
  readonly text: string;
}

/** Where the records of one side came from. */
export interface Input {
  readonly provenance: Provenance;
  readonly consistency: Consistency;
  readonly rows: number;
  readonly contentRoot: string;
}

/** A side of a comparison. */
export type Side = "expected" | "actual";

interface Facts {
  readonly name: string;
  readonly tenant: string;
  readonly resource: string;
  readonly key: readonly string[];
  readonly counts: Counts;
  readonly countsByField: Readonly<Record<string, number>>;
  readonly converged: boolean;
  readonly rulesDigest: string;
  readonly text: string;
}

/** What two snapshots agree and disagree on; made by {@link reconcile}. */
export class Report {
  /** @internal */
  readonly native: native.Report;
  readonly #facts: Facts;

  /**
   * The findings: finding_id, kind, the key columns, field, expected, actual; after a three-way comparison cause. A
   * `changed` or `conflict` key has a row a differing field, every other finding one row.
   */
  readonly findings: Table;

  private constructor(handle: native.Report) {
    this.native = handle;
    this.#facts = camel(decode<object>(handle.facts()));
    this.findings = Table.from(() => handle.findings());
  }

  /** @internal */
  static of(handle: native.Report): Report {
    return new Report(handle);
  }

  /** Loads a saved report, and holds it to its digest. */
  static load(path: string | URL, options?: WorkOptions): Work<Report> {
    return new Work(() => native.Report.load(pathOf(path)), Report.of, options);
  }

  /** The name of the reconciliation. */
  get name(): string {
    return this.#facts.name;
  }

  /** Whose data was compared. */
  get tenant(): string {
    return this.#facts.tenant;
  }

  /** The resource that was compared. */
  get resource(): string {
    return this.#facts.resource;
  }

  /** The key fields. */
  get key(): readonly string[] {
    return this.#facts.key;
  }

  /** How many keys there are of each kind. */
  get counts(): Counts {
    return this.#facts.counts;
  }

  /** How many cells differ, by field; fields without a difference are not in it. */
  get countsByField(): Readonly<Record<string, number>> {
    return this.#facts.countsByField;
  }

  /** Whether both sides agree, as far as can be told: nothing but matched keys. */
  get converged(): boolean {
    return this.#facts.converged;
  }

  /** The digest of the rules the comparison went by. */
  get rulesDigest(): string {
    return this.#facts.rulesDigest;
  }

  /** The digest over name, rules, coverage, counts and findings: the same on any machine, in any language. */
  digest(options?: WorkOptions): Work<string> {
    return work(() => this.native.digest(), options);
  }

  /** Every finding's id, and the digest of its state. */
  states(options?: WorkOptions): Work<Record<string, string>> {
    return new Work(() => this.native.states(), (text: string) => decode<Record<string, string>>(text), options);
  }

  /** One finding in words: the rule, the two values, and what would make both sides agree. */
  explain(findingId: string, options?: WorkOptions): Work<Explanation> {
    return new Work(() => this.native.explain(findingId), explanation, options);
  }

  /** The rows of a `duplicate` or `ambiguous` finding: finding_id, side, occurrence, then the fields. */
  members(findingId: string): Table {
    return Table.from(() => this.native.members(findingId));
  }

  /** The expected side's rows of the keys that matched; secrets are masked. */
  get matched(): Table {
    return Table.from(() => this.native.matched());
  }

  /** Where both sides came from, with their content roots, which are computed now: a hash a record. */
  inputs(options?: WorkOptions): Work<{ readonly expected: Input; readonly actual: Input }> {
    return new Work(() => this.native.inputs(), inputs, options);
  }

  /** The base for the next three-way comparison: what both sides last agreed on. */
  advance(base?: Records, options?: WorkOptions): Work<Snapshot> {
    const records = base === undefined ? undefined : prepare(base, "base");
    return new Work(() => this.native.advance(records), Snapshot.of, options);
  }

  /** The changes that would make both sides agree. */
  plan(options: PlanOptions & WorkOptions = {}): Work<Plan> {
    return Plan.make(this.native, options);
  }

  /** Saves the report as one Parquet file that any tool can read; {@link load} takes it back. */
  save(path: string | URL, options?: WorkOptions): Work<void> {
    return work(() => this.native.save(pathOf(path)), options);
  }

  /** Writes the report as one page that loads nothing from anywhere. */
  toHtml(path: string | URL, options?: WorkOptions): Work<void> {
    return work(() => this.native.toHtml(pathOf(path)), options);
  }

  /** Writes the findings as CSV. */
  toCsv(path: string | URL, options?: WorkOptions): Work<void> {
    return work(() => this.native.toCsv(pathOf(path)), options);
  }

  /** The page of {@link toHtml}. */
  html(options?: WorkOptions): Work<string> {
    return work(() => this.native.html(), options);
  }

  /** The counts in words. */
  toString(): string {
    return this.name === "" ? this.#facts.text : `${this.name}: ${this.#facts.text}`;
  }
}

/** What became of findings between two reports; made by {@link drift}. */
export class Drift {
  readonly #facts: {
    readonly counts: DriftCounts;
    readonly rulesChanged: boolean;
    readonly coverageChanged: boolean;
    readonly isEmpty: boolean;
    readonly text: string;
  };
  readonly #native: native.Drift;

  /** Findings that are new. */
  readonly opened: Table;
  /** Findings whose state is another. */
  readonly changed: Table;
  /** Findings that are gone. */
  readonly resolved: Table;

  private constructor(handle: native.Drift) {
    this.#native = handle;
    this.#facts = camel(decode<object>(handle.facts()));
    this.opened = Table.from(() => handle.opened());
    this.changed = Table.from(() => handle.changed());
    this.resolved = Table.from(() => handle.resolved());
  }

  /** @internal */
  static of(handle: native.Drift): Drift {
    return new Drift(handle);
  }

  /** How many findings went which way. */
  get counts(): DriftCounts {
    return this.#facts.counts;
  }

  /** Whether the two reports went by different rules. */
  get rulesChanged(): boolean {
    return this.#facts.rulesChanged;
  }

  /** Whether the two reports covered different things. */
  get coverageChanged(): boolean {
    return this.#facts.coverageChanged;
  }

  /** Whether nothing opened, changed or was resolved. */
  get isEmpty(): boolean {
    return this.#facts.isEmpty;
  }

  /** Findings that stayed as they were. */
  get unchangedIds(): string[] {
    return this.#native.unchangedIds();
  }

  toString(): string {
    return this.#facts.text;
  }
}

/** How many findings went which way. */
export interface DriftCounts {
  readonly opened: number;
  readonly changed: number;
  readonly resolved: number;
  readonly unchanged: number;
}

/** What became of the findings of an earlier report: opened, changed, resolved. */
export function drift(before: Report, after: Report, options?: WorkOptions): Work<Drift> {
  for (const [name, report] of Object.entries({ before, after })) {
    if (!(report instanceof Report)) throw wrongType(name, "a Report", report);
  }
  return new Work(() => native.Report.drift(before.native, after.native), Drift.of, options);
}

function explanation(text: string): Explanation {
  return camel<Explanation>(decode<object>(text));
}

function inputs(text: string): { expected: Input; actual: Input } {
  const { expected, actual } = decode<Record<Side, object>>(text);
  return { expected: camel<Input>(expected), actual: camel<Input>(actual) };
}
