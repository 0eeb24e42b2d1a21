import { decode, encode } from "./data.js";
import { guard, wrongType } from "./errors.js";
import { names, prepare, type Records } from "./records.js";
import { Report, type Side } from "./report.js";
import type { Rule } from "./rules.js";
import { Work, work, type WorkOptions } from "./work.js";
import native = require("../trueup.node");

/** What is compared and how. */
export interface ReconciliationOptions {
  /** The field or fields that identify a record on both sides. */
  readonly key: string | readonly string[];
  /** The name of the reconciliation, part of each finding's id. */
  readonly name?: string | undefined;
  /** The rules of fields whose values need not be equal: a rule, or a rule as data. */
  readonly compare?: { readonly [field: string]: Rule | string | { readonly [member: string]: unknown } } | undefined;
  /** Which fields are compared: all (one that stands on one side only is an error), those of both sides, or these. */
  readonly fields?: "all" | "common" | readonly string[] | undefined;
  /** Fields on which records meet whose key only one side has: a rename. */
  readonly alternateKeys?: readonly (string | readonly string[])[] | undefined;
  /** How the systems call fields and values. */
  readonly mapping?: { readonly [side in Side]?: SideMapping } | undefined;
  readonly tenant?: string | undefined;
  readonly resource?: string | undefined;
}

/** How one system calls things: canonical name to system's name, and for a field canonical value to system's value. */
export interface SideMapping {
  readonly fields?: { readonly [canonical: string]: string };
  readonly values?: { readonly [field: string]: { readonly [canonical: string]: unknown } };
}

/** How one comparison is run. */
export interface RunOptions extends WorkOptions {
  /** What both sides last agreed on ({@link Report.advance}), for a three-way comparison. */
  readonly base?: Records | undefined;
  /** How many threads work at once; all processors if not given. */
  readonly threads?: number | undefined;
}

/** What is compared and how, as a document: plain data that can be kept, shown and run again. */
export class Reconciliation {
  readonly #native: native.Reconciliation;

  constructor(options: ReconciliationOptions) {
    this.#native = options instanceof native.Reconciliation ? options : read(document(options));
  }

  /** Reads the JSON form, as text or parsed; a misspelt member or word is answered with the nearest one. */
  static fromJSON(json: string | object): Reconciliation {
    const handle = typeof json === "string" ? guard(() => native.Reconciliation.fromJson(json)) : read(json);
    return new Reconciliation(handle as never);
  }

  /** The document as plain data; members that say nothing are left out. Wide integers stand as decimals. */
  toJSON(): Record<string, unknown> {
    return decode(this.#native.toJSON());
  }

  /** Compares; see {@link reconcile}. */
  run(expected: Records, actual: Records, options: RunOptions = {}): Work<Report> {
    const sides = [prepare(expected, "expected"), prepare(actual, "actual")] as const;
    const base = options.base === undefined ? undefined : prepare(options.base, "base");
    return new Work(() => this.#native.run(...sides, base, threads(options)), Report.of, options);
  }

  /** Compares, and keeps an index that takes changes. */
  index(expected: Records, actual: Records, options: Omit<RunOptions, "base"> = {}): Work<Incremental> {
    const sides = [prepare(expected, "expected"), prepare(actual, "actual")] as const;
    return new Work(() => this.#native.index(...sides, threads(options)), Incremental.of, options);
  }
}

/**
 * Finds exactly where two sides disagree.
 *
 * ```js
 * const report = await reconcile(expected, actual, { key: "id", name: "sites", compare: { gib: tolerance(4) } });
 * for await (const finding of report.findings) console.log(finding);
 * ```
 */
export function reconcile(
  expected: Records,
  actual: Records,
  options: ReconciliationOptions & RunOptions,
): Work<Report> {
  const { base, threads, signal, progress, ...said } = given(options);
  return new Reconciliation(said).run(expected, actual, { base, threads, signal, progress });
}

/** Two snapshots held side by side with an index, so that each may take changes at the cost of the change. */
export class Incremental {
  readonly #native: native.Incremental;

  private constructor(handle: native.Incremental) {
    this.#native = handle;
  }

  /** @internal */
  static of(handle: native.Incremental): Incremental {
    return new Incremental(handle);
  }

  /** Puts these records in the place of those of a side that have their keys, and adds new ones. */
  change(side: Side, records: Records, options?: WorkOptions): Work<void> {
    const prepared = prepare(records, "records");
    return work(() => this.#native.change(side, prepared), options);
  }

  /** Removes the records of a side that have these keys; gives how many there were. */
  remove(side: Side, keys: Records, options?: WorkOptions): Work<number> {
    const prepared = prepare(keys, "keys");
    return work(() => this.#native.remove(side, prepared), options);
  }

  /** What the two sides agree and disagree on now: the report that comparing afresh would give. */
  report(options?: WorkOptions): Work<Report> {
    return new Work(() => this.#native.report(), Report.of, options);
  }
}

function read(document: object): native.Reconciliation {
  return guard(() => native.Reconciliation.fromData(encode(document, "the reconciliation")));
}

function document(options: ReconciliationOptions): Record<string, unknown> {
  const { key, fields, alternateKeys, ...rest } = given(options);
  return {
    ...rest,
    key: names(key, "key"),
    fields: fields === undefined || typeof fields === "string" ? fields : names(fields, "fields"),
    alternate_keys: alternateKeys?.map((one) => names(one, "alternateKeys")),
  };
}

function given<T>(options: T): T {
  if (typeof options !== "object" || options === null) throw wrongType("options", "an object with `key`", options);
  return options;
}

function threads({ threads }: RunOptions): number | undefined {
  if (threads === undefined || (Number.isSafeInteger(threads) && threads >= 0)) return threads;
  throw wrongType("threads", "a whole number", threads);
}
