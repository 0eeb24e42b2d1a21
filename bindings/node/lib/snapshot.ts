import { decode, encode, type Row } from "./data.js";
import { guard } from "./errors.js";
import { names, pathOf, prepare, type Records } from "./records.js";
import type { Field, Role, Schema } from "./rows.js";
import { Table } from "./table.js";
import { Work, work, type WorkOptions } from "./work.js";
import native = require("../trueup.node");

/**
 * What part of a resource a snapshot holds: only there may a missing record be called absent. A predicate is
 * `{ field: "site", is: "berlin" }` and the like.
 */
export type Coverage = "complete" | "partial" | { readonly within: { readonly [member: string]: unknown } };

/** Whether a snapshot was taken at one moment. */
export type Consistency = "snapshot" | "best_effort";

/** Where records come from: `tenant`, `system`, `resource`, `read_id`, … */
export type Provenance = { readonly [member: string]: unknown };

/** What a snapshot says beside its records. */
export interface SnapshotFacts {
  readonly coverage?: Coverage | undefined;
  readonly provenance?: Provenance | undefined;
  readonly consistency?: Consistency | undefined;
}

interface Facts {
  readonly fields: readonly Field[];
  readonly coverage: Coverage;
  readonly provenance: Provenance;
  readonly consistency: Consistency;
}

/**
 * An immutable set of records of one resource, with where they come from and what they cover.
 *
 * Wherever records are taken, a snapshot may be given; one is needed only to say more than the records do.
 */
export class Snapshot implements AsyncIterable<Row> {
  /** @internal */
  readonly native: native.Snapshot;
  readonly #facts: Facts;

  private constructor(handle: native.Snapshot) {
    this.native = handle;
    this.#facts = decode(handle.facts());
  }

  /** @internal */
  static of(handle: native.Snapshot): Snapshot {
    return new Snapshot(handle);
  }

  /** Takes records over. Rows may be arrays when `schema` names the columns. */
  static from(
    data: Records | Iterable<readonly unknown[]>,
    options: SnapshotFacts & { readonly schema?: Schema | undefined } & WorkOptions = {},
  ): Work<Snapshot> {
    const { schema, coverage, provenance, consistency } = options;
    const records = prepare(data, "data", schema);
    const facts = encode({ coverage, provenance, consistency }, "Snapshot");
    return new Work(() => native.Snapshot.make(records, facts), Snapshot.of, options);
  }

  /** Loads what {@link save} saved, or any Parquet file as a complete snapshot. */
  static load(path: string | URL, options?: WorkOptions): Work<Snapshot> {
    return new Work(() => native.Snapshot.load(pathOf(path)), Snapshot.of, options);
  }

  /** Saves it as a Parquet file that any tool can read, with provenance and coverage; secret fields too. */
  save(path: string | URL, options?: WorkOptions): Work<void> {
    return work(() => this.native.save(pathOf(path)), options);
  }

  /** The same records with other facts; members of the provenance that are not given stay. */
  withFacts(facts: SnapshotFacts): Snapshot {
    return new Snapshot(guard(() => this.native.withFacts(encode(facts, "withFacts"))));
  }

  /** The same records with other facts of a field. */
  withField(
    name: string,
    facts: { readonly role?: Role; readonly writable?: boolean; readonly immutable?: boolean; readonly secret?: boolean },
  ): Snapshot {
    return new Snapshot(guard(() => this.native.withField(name, encode(facts, "withField"))));
  }

  /** The fields: name, type, role and facts of each. */
  get fields(): readonly Field[] {
    return this.#facts.fields;
  }

  /** What it covers. */
  get coverage(): Coverage {
    return this.#facts.coverage;
  }

  /** Where it comes from. */
  get provenance(): Provenance {
    return this.#facts.provenance;
  }

  /** Whether it was taken at one moment. */
  get consistency(): Consistency {
    return this.#facts.consistency;
  }

  /** How many records there are. */
  get length(): number {
    return this.native.rows();
  }

  /** The root of the tree over all records, in hexadecimal digits: it stands for the content. */
  contentRoot(key: string | readonly string[], options?: WorkOptions): Work<string> {
    return work(() => this.native.contentRoot(names(key, "key")), options);
  }

  /** The records as a table. */
  get table(): Table {
    return Table.of(() => this.native.table());
  }

  /** All records as objects. */
  toRows(): Promise<Row[]> {
    return this.table.toRows();
  }

  /** The records as Arrow IPC bytes, for `tableFromIPC` and its like. */
  toIPC(options?: WorkOptions): Work<Uint8Array> {
    return this.table.toIPC(options);
  }

  /** The records one by one. */
  [Symbol.asyncIterator](): AsyncGenerator<Row, void, void> {
    return this.table[Symbol.asyncIterator]();
  }
}

