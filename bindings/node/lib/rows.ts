import { encode, isPlainObject, tagged, type RowLike } from "./data.js";
import { TrueupError, nameOf } from "./errors.js";
import type { Pack, PackedColumn } from "../trueup.node";

// The kinds of cells; `src/rows.rs` has the same numbers.
const FALSE = 1;
const TRUE = 2;
const NUMBER = 3;
const TEXT = 4;
const BIG = 5;
const MOMENT = 6;
const OTHER = 7;

const NO_NUMBERS = new Float64Array(0);
const NO_LENGTHS = new Uint32Array(0);

/** How many rows are packed at once. */
const STEP = 8_192;

/** Rows as objects, packed by column. */
export function packObjects(rows: readonly RowLike[]): Pack[] {
  return steps(rows, packSomeObjects);
}

/** Rows as arrays, whose columns a schema names. */
export function packArrays(rows: readonly (readonly unknown[])[], names: readonly string[]): Pack[] {
  return steps(rows, (some, start) => {
    const columns = names.map((name) => new Column(name, some.length));
    some.forEach((row, place) => {
      if (!Array.isArray(row)) throw noRow(row, start + place, "an array where the first one is");
      if (row.length !== names.length) {
        throw new TrueupError("data", `row ${start + place} has ${row.length} values, not ${names.length}`);
      }
      columns.forEach((column, at) => column.set(place, row[at], start));
    });
    return { rows: some.length, columns: columns.map((column) => column.packed(start)) };
  });
}

function packSomeObjects(rows: readonly RowLike[], start: number): Pack {
  const columns: Column[] = [];
  const places = new Map<string, Column>();
  for (let place = 0; place < rows.length; place++) {
    const row: unknown = rows[place];
    if (typeof row !== "object" || row === null || Array.isArray(row)) throw noRow(row, start + place, "an object");
    let at = 0;
    for (const name in row) {
      // Most rows have the members of the one before, in its order.
      let column = columns[at++];
      if (column?.name !== name) {
        column = places.get(name);
        if (column === undefined) {
          column = new Column(name, rows.length);
          places.set(name, column);
          columns.push(column);
        }
      }
      column.set(place, (row as Record<string, unknown>)[name], start);
    }
  }
  return { rows: rows.length, columns: columns.map((column) => column.packed(start)) };
}

/** One column while it is packed. */
class Column {
  readonly #kinds: Uint8Array;
  // Most columns have numbers or texts, and not both.
  #numbers = NO_NUMBERS;
  #lengths = NO_LENGTHS;
  readonly #texts: string[] = [];

  constructor(
    readonly name: string,
    rows: number,
  ) {
    this.#kinds = new Uint8Array(rows);
  }

  set(place: number, value: unknown, start: number): void {
    switch (typeof value) {
      case "string":
        return this.#text(place, TEXT, value);
      case "number":
        return this.#number(place, NUMBER, value);
      case "boolean":
        this.#kinds[place] = value ? TRUE : FALSE;
        return;
      case "undefined":
        return;
      case "bigint":
        return this.#text(place, BIG, value.toString());
    }
    if (value !== null) this.#object(place, value, start);
  }

  packed(start: number): PackedColumn {
    const texts = this.#texts.length === 0 ? "" : this.#texts.join("\n") + "\n";
    if (!isWellFormed(texts)) throw this.#broken(start);
    return { name: this.name, kinds: this.#kinds, numbers: this.#numbers, lengths: this.#lengths, texts };
  }

  #number(place: number, kind: number, value: number): void {
    if (this.#numbers === NO_NUMBERS) this.#numbers = new Float64Array(this.#kinds.length);
    this.#kinds[place] = kind;
    this.#numbers[place] = value;
  }

  #text(place: number, kind: number, text: string): void {
    if (this.#lengths === NO_LENGTHS) this.#lengths = new Uint32Array(this.#kinds.length);
    this.#kinds[place] = kind;
    this.#lengths[place] = text.length;
    this.#texts.push(text);
  }

  #object(place: number, value: unknown, start: number): void {
    if (value instanceof Date && !Number.isNaN(value.getTime())) {
      return this.#number(place, MOMENT, value.getTime());
    }
    const where = { context: { row: String(start + place), column: this.name } };
    const at = ` (row: ${start + place}, column: ${this.name})`;
    if (value instanceof Date) throw new TrueupError("data", `an invalid Date is no value${at}`, where);
    if (!Array.isArray(value) && !(value instanceof Uint8Array) && !isPlainObject(value)) {
      const hint = "make it text, a number, a Date or another plain value";
      throw new TrueupError("data", `${nameOf(value)} cannot be a value; ${hint}${at}`, where);
    }
    this.#text(place, OTHER, JSON.stringify(tagged(value, this.name)));
  }

  #broken(start: number): TrueupError {
    const text = this.#texts.findIndex((text) => !isWellFormed(text));
    let seen = -1;
    const row = start + this.#kinds.findIndex((kind) => kind >= TEXT && kind !== MOMENT && ++seen === text);
    const message = `a text has half a character, a lone surrogate (row: ${row}, column: ${this.name})`;
    return new TrueupError("data", message, { context: { row: String(row), column: this.name } });
  }
}

function steps<T>(rows: readonly T[], pack: (rows: readonly T[], start: number) => Pack): Pack[] {
  const packs: Pack[] = [];
  for (let start = 0; start < rows.length; start += STEP) packs.push(pack(rows.slice(start, start + STEP), start));
  return packs;
}

function isWellFormed(text: string): boolean {
  return (text as unknown as { isWellFormed(): boolean }).isWellFormed();
}

function noRow(row: unknown, place: number, wanted: string): TrueupError {
  const message = `a row is ${wanted}, not ${nameOf(row)} (row: ${place})`;
  return new TrueupError("data", message, { context: { row: String(place) } });
}

/** A schema as the native half reads it: pairs, so that columns stay in the order in which they are named. */
export function encodeSchema(schema: Schema): string {
  return encode(Array.isArray(schema) ? schema : Object.entries(schema), "schema");
}

/** The columns' names. */
export function schemaNames(schema: Schema): string[] {
  return Array.isArray(schema) ? schema.map((field: Field) => field.name) : Object.keys(schema);
}

/** One field of records. Types are `bool int float decimal(p,s) text bytes date datetime instant list<T> struct<a:T>`. */
export interface Field {
  readonly name: string;
  readonly type: string;
  readonly role?: Role;
  readonly writable?: boolean;
  readonly immutable?: boolean;
  readonly secret?: boolean;
}

/** What a field is to a record: compared as identity, the target's own identifier, its lock, or data. */
export type Role = "data" | "key" | "id" | "version";

/** The columns of rows: `{name: type}`, or a list of fields with facts such as `secret`. */
export type Schema = { readonly [name: string]: string } | readonly Field[];
