import { bridge } from "./bridge.js";
import { decode, encode } from "./data.js";
import { guard, wrongType } from "./errors.js";
import { pathOf, type Records } from "./records.js";
import type { Field } from "./rows.js";
import { Snapshot, type Consistency, type Coverage } from "./snapshot.js";
import { Table } from "./table.js";
import { Work, work, type WorkOptions } from "./work.js";
import native = require("../trueup.node");

/** What a connector says of itself; only `system` and `resources` are needed. */
export interface Description {
  readonly system: string;
  readonly instance?: string;
  readonly tenant?: string;
  readonly capability?: {
    readonly page_size?: boolean;
    readonly delta?: boolean;
    readonly consistency?: Consistency;
    readonly [ability: string]: unknown;
  };
  readonly resources: readonly { readonly name: string; readonly fields: readonly Field[] }[];
}

/** Asks a connector for one page. */
export interface ReadRequest {
  /** The resource to read. */
  readonly resource: string;
  /** The page after the one that gave this cursor; null for the first. */
  readonly cursor: string | null;
  /** Only what changed after the reading that gave this token. */
  readonly since: string | null;
  /** The most records the page may have. */
  readonly pageSize: number | null;
}

/** One page of records, as a connector gives it. */
export interface Page {
  /** Rows as objects, Arrow IPC bytes, or a table of another connector's page. */
  readonly records: Records | Table;
  /** Where the next page is; null after the last. */
  readonly next?: string | null | undefined;
  /** On the last page: the token a later delta goes on from. */
  readonly resume?: string | null | undefined;
  /** In a delta, what is no longer there: `{ key: [...] }` or `{ id: "..." }`. */
  readonly removed?: readonly { readonly [member: string]: unknown }[] | undefined;
  /** What the whole reading covers, as far as this page can tell. */
  readonly coverage?: Coverage | undefined;
}

/** A page as it was read. */
export interface PageRead extends Page {
  readonly records: Table;
}

/** What a call of a connector comes with. */
export interface CallContext {
  /** Aborts when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/**
 * What makes an object a connector, from whichever package it comes. Methods answer with a value or a promise.
 *
 * Following `next` from the first page to the last gives every record that the pages' coverage includes. An error is
 * never data: throw it (`new TrueupError("unavailable", …)`, say), and do not return an empty page.
 */
export interface ConnectorLike {
  /** What there is. */
  describe(context: CallContext): Description | PromiseLike<Description>;
  /** Throws where settings, reachability or permissions stand in the way of reading. */
  check?(context: CallContext): unknown;
  /** One page. */
  readPage(request: ReadRequest, context: CallContext): Page | PromiseLike<Page>;
}

/** One system that records can be read from; the base of connectors written in JavaScript. */
export abstract class Connector implements ConnectorLike {
  abstract describe(context?: CallContext): Description | PromiseLike<Description>;

  abstract readPage(request: ReadRequest, context?: CallContext): Page | PromiseLike<Page>;

  check(_context?: CallContext): unknown {
    return undefined;
  }

  /** A whole resource; the connector is held to its promises. */
  read(resource: string, options?: WorkOptions): Work<Snapshot> {
    return read(this, resource, options);
  }

  /** Page after page, as the engine sees them. */
  pages(resource: string, options?: { readonly pageSize?: number } & WorkOptions): AsyncGenerator<PageRead, void, void> {
    return pages(this, resource, options);
  }
}

/** A connector of the library. */
abstract class BuiltIn extends Connector {
  /** @internal */
  readonly source: native.Source;

  /** @internal */
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
export function read(connector: ConnectorLike, resource: string, options?: WorkOptions): Work<Snapshot> {
  const source = sourceOf(connector);
  return new Work(() => source.read(resource), Snapshot.of, options);
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
  { pageSize, ...options }: { readonly pageSize?: number } & WorkOptions = {},
): AsyncGenerator<PageRead, void, void> {
  const source = sourceOf(connector);
  let cursor: string | null | undefined;
  do {
    const read: PageRead = await page(source, { resource, cursor: cursor ?? null, pageSize: pageSize ?? null }, options);
    yield read;
    cursor = read.next;
  } while (cursor !== null && cursor !== undefined);
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
  return { records: Table.of(() => read.records()), ...decode<Omit<Page, "records">>(read.facts()) };
}

/** What reads a connector. One of JavaScript gets a new one each time: kept, it would keep the connector for ever. */
function sourceOf(connector: ConnectorLike): native.Source {
  if (connector instanceof BuiltIn) return connector.source;
  const { describe, readPage } = (connector ?? {}) as Partial<ConnectorLike>;
  if (typeof describe !== "function" || typeof readPage !== "function") {
    throw wrongType("connector", "an object with `describe` and `readPage`", connector);
  }
  return native.Source.host(bridge(connector));
}

function file(settings: FileSettings): Record<string, unknown> {
  if (typeof settings === "string" || settings instanceof URL) return { path: pathOf(settings) };
  return { ...settings, path: pathOf(settings.path) };
}

function sqlSettings({ signal, progress, resources, ...settings }: SqlOptions): Record<string, unknown> {
  const table = (one: SqlResource): unknown => (typeof one === "string" ? { table: one } : one);
  return { ...settings, ...(resources === undefined ? {} : { resources: resources.map(table) }) };
}
