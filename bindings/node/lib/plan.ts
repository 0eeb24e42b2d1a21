import { decode, encode, tagged, untagged, type Value } from "./data.js";
import { TrueupError, guard } from "./errors.js";
import type { FindingKind, Report, Side } from "./report.js";
import type { Provenance } from "./snapshot.js";
import { camel } from "./words.js";
import { Work, type WorkOptions } from "./work.js";
import native = require("../trueup.node");

/** How a plan is made of findings. */
export interface PlanOptions {
  /** The kinds of findings that are settled: `missing`, `unexpected` and `changed` if not given. */
  readonly kinds?: readonly FindingKind[] | undefined;
  /** Fields whose value is the key of another record, which is made before. */
  readonly references?: readonly string[] | undefined;
  /** Rising percentages of the records, each a wave or more. */
  readonly stages?: readonly number[] | undefined;
}

/**
 * One write that a plan holds: what is done to which record, and on what it rests. Names and values are canonical; a
 * secret value is not shown (its field is named in `secret`).
 */
export interface PlannedChange {
  /** The side whose system is written. */
  readonly target: Side;
  /** `create`, `update`, `delete`, or the name of an action. */
  readonly operation: string;
  readonly key: Readonly<Record<string, Value>>;
  readonly id: Value;
  readonly version: Value;
  /** The values that must still hold when the change is made. */
  readonly before: Readonly<Record<string, Value>>;
  readonly after: Readonly<Record<string, Value>>;
  readonly secret: readonly string[];
  readonly wave: number;
  readonly facts: Readonly<Record<string, boolean | number | string | readonly string[]>>;
  /** The findings that it settles. */
  readonly findings: readonly string[];
  readonly text: string;
}

/** A change that somebody proposes. */
export type ProposedChange = Pick<PlannedChange, "target" | "operation" | "key"> &
  Partial<Pick<PlannedChange, "id" | "version" | "before" | "after" | "secret" | "wave" | "facts">>;

/** A change of a plan that took place, and what its receipt said of the record. */
export interface Effect {
  readonly place: number;
  readonly id?: string | undefined;
  readonly version?: string | undefined;
}

/** Makes plans of reports. */
export class Planner {
  readonly #options: PlanOptions;

  constructor(options: PlanOptions = {}) {
    this.#options = options;
  }

  /** The changes that would make both sides of a report agree. */
  plan(report: Report, options: WorkOptions = {}): Work<Plan> {
    return Plan.make(report.native, { ...this.#options, ...options });
  }
}

interface Facts {
  readonly origin: Readonly<Record<string, string>>;
  readonly digest: string;
  readonly waves: number;
  readonly impacts: Readonly<Record<Side, Readonly<Record<string, unknown>>>>;
  readonly leftOut: readonly Readonly<Record<string, string>>[];
  readonly text: string;
}

/** An ordered set of changes with a digest: what people approve and the executor runs, exactly. */
export class Plan {
  /** @internal */
  readonly native: native.Plan;
  readonly #facts: Facts;
  #changes: readonly PlannedChange[] | undefined;

  private constructor(handle: native.Plan) {
    this.native = handle;
    this.#facts = camel(decode<object>(handle.facts()));
  }

  /** @internal */
  static of(handle: native.Plan): Plan {
    return new Plan(handle);
  }

  /** @internal */
  static make(report: native.Report, { kinds, references, stages, ...options }: PlanOptions & WorkOptions): Work<Plan> {
    const settings = encode({ kinds, references, stages }, "plan");
    return new Work(() => native.Plan.make(report, settings), Plan.of, options);
  }

  /**
   * A plan of these changes, proposed rather than found by comparing. `reading` is the provenance of the reading it rests
   * on, with its `read_id`; `coveredRows` says how many records the systems have, which shares are shares of.
   */
  static propose(
    name: string,
    changes: readonly ProposedChange[],
    options: { readonly reading: Provenance; readonly coveredRows?: number },
  ): Plan {
    const proposed = encode(changes.map(proposal), "changes");
    const reading = encode(options.reading, "reading");
    return new Plan(guard(() => native.Plan.propose(name, reading, options.coveredRows ?? 0, proposed)));
  }

  /** Reads the JSON form, as text or parsed, and holds it to its digest. */
  static fromJSON(json: string | object): Plan {
    const text = typeof json === "string" ? json : JSON.stringify(json);
    return new Plan(guard(() => native.Plan.fromJson(text)));
  }

  /** The plan as plain data. Secret values are not in it; their fields are. */
  toJSON(): Record<string, unknown> {
    return decode(this.native.toJSON());
  }

  /** What it was made from: tenant, name, resource, and the readings of both sides. */
  get origin(): Readonly<Record<string, string>> {
    return this.#facts.origin;
  }

  /** The digest over origin and changes, in hexadecimal digits. */
  get digest(): string {
    return this.#facts.digest;
  }

  /** How many waves it has. */
  get waves(): number {
    return this.#facts.waves;
  }

  /** The changes, in the order in which they are made. */
  get changes(): readonly PlannedChange[] {
    return (this.#changes ??= decode<Said[]>(this.native.changes()).map(change));
  }

  /** The findings that it does not settle, and why. */
  get leftOut(): readonly Readonly<Record<string, string>>[] {
    return this.#facts.leftOut;
  }

  /** What it would do to the system on one side, in numbers. */
  impact(target: Side): Readonly<Record<string, unknown>> {
    this.resource(target);
    return this.#facts.impacts[target];
  }

  /** What the system on one side calls the resource. */
  resource(target: Side): string {
    return guard(() => this.native.resource(target));
  }

  /** The plan of those changes that `keep` is true for: another plan, with another digest. */
  narrow(keep: (change: PlannedChange) => boolean): Plan {
    const kept = this.changes.map((change) => Boolean(keep(change)));
    return new Plan(guard(() => this.native.narrow(kept)));
  }

  /** The plan of all changes but those at these places: what a decision denies, say. */
  without(places: readonly number[]): Plan {
    const left = new Set(places);
    const kept = this.changes.map((_, place) => !left.has(place));
    return new Plan(guard(() => this.native.narrow(kept)));
  }

  /** The plan that undoes these changes, the last wave first, and the places of those that have no way back. */
  rollback(
    effects: readonly Effect[],
    options: { readonly reading: Provenance },
  ): { readonly plan: Plan; readonly irreversible: readonly number[] } {
    const took = encode(effects, "effects");
    const reading = encode(options.reading, "reading");
    const undoing = guard(() => this.native.rollback(took, reading));
    return { plan: new Plan(undoing.plan()), irreversible: decode(undoing.irreversible()) };
  }

  toString(): string {
    return this.#facts.text;
  }
}

type Said = Omit<PlannedChange, "key" | "before" | "after"> & Record<"key" | "before" | "after", Record<string, unknown>>;

function change(said: Said): PlannedChange {
  return {
    ...said,
    id: untagged(said.id),
    version: untagged(said.version),
    key: values(said.key),
    before: values(said.before),
    after: values(said.after),
  };
}

function values(said: Record<string, unknown>): Record<string, Value> {
  return Object.fromEntries(Object.entries(said).map(([name, value]) => [name, untagged(value)]));
}

/** A change as the native half reads it; of a change of a plan, what can be proposed. */
function proposal(change: ProposedChange): Record<string, unknown> {
  if (typeof change !== "object" || change === null) throw new TrueupError("invalid", "a change is an object");
  const { findings, text, ...said } = change as PlannedChange;
  const named = (fields: Readonly<Record<string, Value>> | undefined, what: string): Record<string, unknown> =>
    Object.fromEntries(Object.entries(fields ?? {}).map(([name, value]) => [name, tagged(value, `${what}.${name}`)]));
  return {
    ...said,
    id: said.id === undefined ? undefined : tagged(said.id, "id"),
    version: said.version === undefined ? undefined : tagged(said.version, "version"),
    key: named(said.key, "key"),
    before: named(said.before, "before"),
    after: named(said.after, "after"),
  };
}
