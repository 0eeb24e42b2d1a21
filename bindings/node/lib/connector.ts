import type { CallContext } from "./bridge.js";
import { decode, encode, untagged } from "./data.js";
import { guard, wrongType } from "./errors.js";
import { post, type ConnectorLike, type Description, type Page, type ReadRequest, type Removed } from "./host.js";
import { pathOf } from "./records.js";
import { Snapshot } from "./snapshot.js";
import { Table } from "./table.js";
import { Work, work, type WorkOptions } from "./work.js";
import native = require("../trueup.node");

/** A page as it was read. */
export interface PageRead extends Page {
  readonly records: Table;
}

/** How a resource is read. */
export interface ReadOptions extends WorkOptions {
  /** The most records a page may have; the connector must be able to do that. */
  readonly pageSize?: number | undefined;
}

/**
 * One system that records can be read from; the base of connectors written in JavaScript. One that writes has `apply` too
 * (see {@link ConnectorLike}), and says `idempotency` of the resources that it writes.
 */
export abstract class Connector implements ConnectorLike {
  abstract describe(context?: CallContext): Description | PromiseLike<Description>;

  abstract readPage(request: ReadRequest, context?: CallContext): Page | PromiseLike<Page>;

  check(_context?: CallContext): unknown {
    return undefined;
  }

  /** A whole resource; the connector is held to its promises. */
  read(resource: string, options?: ReadOptions): Work<Snapshot> {
    return read(this, resource, options);
  }

  /** What changed in a resource since the reading whose provenance has this `cursor`. */
  readDelta(resource: string, since: string, options?: ReadOptions): Work<Delta> {
    return readDelta(this, resource, since, options);
  }

  /** Page after page, as the engine sees them. */
  pages(resource: string, options?: ReadOptions): AsyncGenerator<PageRead, void, void> {
    return pages(this, resource, options);
  }
}

/** A connector of the library. */
class BuiltIn extends Connector {
  /** @internal */
  readonly source: native.Source;

  /** Not for callers: connectors are opened. */
  constructor(source: native.Source) {
    super();
    this.source = source;
  }

  describe(): Work<Description> {
    return describe(this);
  }

  override check(): Work<void> {
    return check(this);
  }

  readPage(request: Partial<ReadRequest> & Pick<ReadRequest, "resource">, context?: Partial<CallContext>): Work<PageRead> {
    return page(this.source, request, context);
  }
}

/** A file as a resource: its path, or settings such as `{ path: "stock.csv", key: ["sku"], csv: { delimiter: ";" } }`. */
export type FileSettings = string | URL | { readonly path: string | URL; readonly [setting: string]: unknown };

/** Files as a system: CSV, JSON lines, JSON, Parquet and Arrow, each a resource; types are found without loss. */
export class Files extends BuiltIn {
  constructor(
    files: FileSettings | readonly FileSettings[],
    options: { readonly tenant?: string; readonly threads?: number } = {},
  ) {
    const all = (Array.isArray(files) ? files : [files]) as FileSettings[];
    const settings = encode({ files: all.map(file), ...options }, "files");
    super(guard(() => native.Source.files(settings)));
  }
}

/** A table's name, `{ table }`, or `{ name, query, key }`. */
export type SqlResource = string | { readonly [setting: string]: unknown };

/** What SQL connectors take beside the address; settings have the names they have in documents. */
export interface SqlOptions extends WorkOptions {
  /** The tables and queries; every table if none is named. */
  readonly resources?: readonly SqlResource[] | undefined;
  readonly tenant?: string | undefined;
  readonly [setting: string]: unknown;
}

/** The tables and queries of an SQLite file. */
export class Sqlite extends BuiltIn {
  static open(path: string | URL, options: SqlOptions = {}): Work<Sqlite> {
    const config = encode({ path: pathOf(path), ...sqlSettings(options) }, "sqlite");
    return new Work(() => native.Source.sqlite(config), (source: native.Source) => new Sqlite(source), options);
  }
}

/** The tables and queries of a PostgreSQL database. The password never shows. */
export class Postgres extends BuiltIn {
  /** By an address, `postgres://user@host/database`, or by settings: `host`, `port`, `database`, `user`, `tls`, … */
  static connect(
    url: string | undefined,
    { password, ...options }: SqlOptions & { readonly password?: string | undefined } = {},
  ): Work<Postgres> {
    const config = encode(sqlSettings(options), "postgres");
    const start = (): native.Work => native.Source.postgres(config, url, password);
    return new Work(start, (source: native.Source) => new Postgres(source), options);
  }
}

/**
 * Reads a whole resource through a connector, which is held to its promises: one that breaks the contract (a cursor that
 * stands twice, a page of other columns) fails with the code `protocol`, and an exception of the connector is the `cause`.
 */
export function read(connector: ConnectorLike, resource: string, options: ReadOptions = {}): Work<Snapshot> {
  const source = sourceOf(connector);
  return new Work(() => source.read(resource, options.pageSize), Snapshot.of, options);
}

/**
 * What changed in a resource since a reading: every record once, as it is now. First the removed ones go, then the records
 * take the place of those with their keys.
 */
export interface Delta {
  /** The records that were made or changed; its provenance has the `cursor` to go on from. */
  readonly records: Snapshot;
  readonly removed: readonly Removed[];
}

/** Reads what changed in a resource since the reading whose provenance has this `cursor`. */
export function readDelta(
  connector: ConnectorLike,
  resource: string,
  since: string,
  options: ReadOptions = {},
): Work<Delta> {
  const source = sourceOf(connector);
  const take = (delta: native.Delta): Delta => ({
    records: Snapshot.of(delta.records()),
    removed: removed(decode(delta.removed())),
  });
  return new Work(() => source.readDelta(resource, since, options.pageSize), take, options);
}

/** What a connector says of itself, all of it: system, capability, resources with their fields. */
export function describe(connector: ConnectorLike, options?: WorkOptions): Work<Description> {
  const source = sourceOf(connector);
  return new Work(() => source.describe(), (text: string) => decode<Description>(text), options);
}

/** Throws what stands in the way of reading, with what to do about it. */
export function check(connector: ConnectorLike, options?: WorkOptions): Work<void> {
  const source = sourceOf(connector);
  return work(() => source.check(), options);
}

/** The pages of a resource, one after the other, as the engine sees them. */
export async function* pages(
  connector: ConnectorLike,
  resource: string,
  { pageSize, ...options }: ReadOptions = {},
): AsyncGenerator<PageRead, void, void> {
  const source = sourceOf(connector);
  let cursor: string | null | undefined;
  do {
    const read: PageRead = await page(source, { resource, cursor: cursor ?? null, pageSize: pageSize ?? null }, options);
    yield read;
    cursor = read.next;
  } while (cursor !== null && cursor !== undefined);
}

/** How often, and after how long, something is tried again. */
export interface RetrySchedule {
  readonly attempts?: number;
  readonly first_ms?: number;
  readonly longest_ms?: number;
  readonly patience_ms?: number;
}

/** How calls of a connector are made, each an object of settings with the names they have in documents. */
export interface Layers extends WorkOptions {
  /** How long a question, and a write, may take: `{ ask_ms: 60_000, apply_ms: 120_000 }`. */
  readonly timeout?: { readonly ask_ms?: number; readonly apply_ms?: number } | undefined;
  /** How many calls there may be in which time: `{ calls: 10, per_ms: 1_000, burst: 10 }`. */
  readonly rate?: { readonly calls?: number; readonly per_ms?: number; readonly burst?: number } | undefined;
  /** How often a question is asked that could not be answered: `{ attempts: 5 }`. A layer makes no write again. */
  readonly retry?: RetrySchedule | undefined;
  /** Without its writer. */
  readonly readOnly?: boolean | undefined;
}

/** The same system with manners: calls that end in time, that are not too many, and that are made again. */
export function layered(
  connector: ConnectorLike,
  { timeout, rate, retry, readOnly, ...options }: Layers = {},
): Work<Connector> {
  const asked = Object.entries({ timeout, rate, retry }).filter(([, settings]) => settings !== undefined);
  const layers: unknown[] = asked.map(([name, settings]) => ({ [name]: settings }));
  const text = encode(readOnly ? [...layers, "read_only"] : layers, "layered");
  const source = sourceOf(connector);
  const take = (opened: native.Source): Connector => new BuiltIn(guard(() => opened.within(text)));
  return new Work(() => source.opened(), take, options);
}

/** A system whose answers are kept. */
export interface Recording {
  readonly connector: Connector;
  /** What it said so far, as JSON lines: for {@link replay}. */
  tape(): string;
}

/** Keeps what a system answers, for tests without it. Resources with secret fields are refused. */
export function record(connector: ConnectorLike, options?: WorkOptions): Work<Recording> {
  const source = sourceOf(connector);
  const take = (opened: native.Source): Recording => {
    const recording = guard(() => opened.record());
    return { connector: new BuiltIn(recording.source()), tape: () => guard(() => recording.tape()) };
  };
  return new Work(() => source.opened(), take, options);
}

/** The system that says what is on a tape: the same answers to the same questions, in their order. */
export function replay(tape: string): Connector {
  return new BuiltIn(guard(() => native.Source.replay(tape)));
}

/** What reads a connector once its description is known. */
export async function opened(connector: ConnectorLike, signal: AbortSignal): Promise<native.Source> {
  const source = sourceOf(connector);
  return work<native.Source>(() => source.opened(), { signal });
}

/** What reads a connector. One of JavaScript gets a new one each time: kept, it would keep the connector for ever. */
export function sourceOf(connector: ConnectorLike): native.Source {
  if (connector instanceof BuiltIn) return connector.source;
  return native.Source.host(post(checked(connector)));
}

/** An object that is a connector. */
export function checked(connector: ConnectorLike): ConnectorLike {
  const { describe, readPage } = (connector ?? {}) as Partial<ConnectorLike>;
  if (typeof describe === "function" && typeof readPage === "function") return connector;
  throw wrongType("connector", "an object with `describe` and `readPage`", connector);
}

function page(
  source: native.Source,
  { resource, cursor, since, pageSize }: Partial<ReadRequest> & Pick<ReadRequest, "resource">,
  options?: WorkOptions,
): Work<PageRead> {
  const start = (): native.Work => source.readPage(resource, cursor, since, pageSize);
  return new Work(start, pageRead, options);
}

function pageRead(read: native.ReadPage): PageRead {
  const { removed: gone, ...facts } = decode<Omit<Page, "records">>(read.facts());
  return { records: Table.of(() => read.records()), ...facts, removed: removed(gone ?? []) };
}

function removed(said: readonly Removed[]): Removed[] {
  return said.map((one) => ("key" in one ? { key: one.key.map(untagged) } : one));
}

function file(settings: FileSettings): Record<string, unknown> {
  if (typeof settings === "string" || settings instanceof URL) return { path: pathOf(settings) };
  return { ...settings, path: pathOf(settings.path) };
}

function sqlSettings({ signal, progress, resources, ...settings }: SqlOptions): Record<string, unknown> {
  const table = (one: SqlResource): unknown => (typeof one === "string" ? { table: one } : one);
  return { ...settings, ...(resources === undefined ? {} : { resources: resources.map(table) }) };
}
