import { fileURLToPath } from "node:url";

import type { RowLike } from "./data.js";
import { TrueupError, guard, nameOf, wrongType } from "./errors.js";
import { encodeSchema, packArrays, packObjects, schemaNames, type Schema } from "./rows.js";
import { Snapshot } from "./snapshot.js";
import native = require("../trueup.node");

/**
 * Records, in whatever form: rows as objects; Arrow IPC bytes (of `tableToIPC`, say), which are copied unless they are given
 * away with {@link transfer}; the path or `file:` URL of a CSV, JSON lines, JSON, Parquet or Arrow file; or a snapshot.
 */
export type Records = Iterable<RowLike> | Uint8Array | ArrayBuffer | Transferred | string | URL | Snapshot;

let recordsOf: (given: Transferred) => native.Records;

/** Arrow IPC bytes that were given away; made by {@link transfer}. */
export class Transferred {
  // Nobody else may reach them: native threads read them where they are.
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array | ArrayBuffer) {
    const view = bytes instanceof ArrayBuffer ? new Uint8Array(bytes) : bytes;
    if (!(view instanceof Uint8Array)) throw wrongType("bytes", "a Uint8Array or an ArrayBuffer", bytes);
    this.#bytes = structuredClone(view, { transfer: [view.buffer as ArrayBuffer] });
  }

  static {
    recordsOf = (given) => native.Records.ipc(given.#bytes, true);
  }
}

/** Gives Arrow IPC bytes away: nothing is copied, and the array is empty afterwards. Bytes of a pool cannot be given away. */
export function transfer(bytes: Uint8Array | ArrayBuffer): Transferred {
  return new Transferred(bytes);
}

/** Records for the native half; with a schema, rows may be arrays. */
export function prepare(
  data: Records | Iterable<readonly unknown[]>,
  what: string,
  schema?: Schema,
): native.Records {
  if (schema !== undefined && !isRows(data)) {
    throw new TypeError(`a schema goes with rows; \`${what}\` is ${nameOf(data)}, which has its own`);
  }
  if (data instanceof Snapshot) return native.Records.snapshot(data.native);
  if (typeof data === "string") return native.Records.path(data);
  if (data instanceof URL) return native.Records.path(fileURLToPath(data));
  if (data instanceof Transferred) return recordsOf(data);
  if (data instanceof ArrayBuffer) return native.Records.ipc(new Uint8Array(data), false);
  if (data instanceof Uint8Array) return native.Records.ipc(data, false);
  if (isRows(data)) return rows(data, schema);
  if (isArrowTable(data)) {
    throw new TypeError(`\`${what}\` is a table of apache-arrow; give its bytes: tableToIPC(${what})`);
  }
  throw wrongType(what, "rows (objects), Arrow IPC bytes, a path or a Snapshot", data);
}

/** The path of a file. */
export function pathOf(path: string | URL, what = "path"): string {
  if (path instanceof URL) return fileURLToPath(path);
  if (typeof path !== "string") throw wrongType(what, "a path or a file: URL", path);
  return path;
}

/** A name or several. */
export function names(given: string | readonly string[], what: string): string[] {
  if (typeof given === "string") return [given];
  if (Array.isArray(given) && given.every((name) => typeof name === "string")) return [...(given as string[])];
  throw wrongType(what, "a name or an array of names", given);
}

function rows(data: Iterable<unknown>, schema: Schema | undefined): native.Records {
  const all = Array.isArray(data) ? data : Array.from(data);
  const encoded = schema === undefined ? undefined : encodeSchema(schema);
  if (!Array.isArray(all[0])) return guard(() => native.Records.rows(packObjects(all as RowLike[]), encoded, false));
  if (schema === undefined) {
    const message = "a row is an object, not an array; with `schema`, arrays are rows too (row: 0)";
    throw new TrueupError("data", message, { context: { row: "0" } });
  }
  return guard(() => native.Records.rows(packArrays(all as unknown[][], schemaNames(schema)), encoded, true));
}

function isRows(data: unknown): data is Iterable<unknown> {
  if (typeof data !== "object" || data === null) return false;
  if (data instanceof Uint8Array || data instanceof Map || isArrowTable(data)) return false;
  return Symbol.iterator in data;
}

function isArrowTable(data: unknown): boolean {
  return typeof data === "object" && data !== null && "schema" in data && "batches" in data;
}
