import { TrueupError, nameOf } from "./errors.js";

/** A value of a record. Decimals, dates and zone-less times come out as text, instants as `Date` where that is exact. */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Date
  | Uint8Array
  | readonly Value[]
  | { readonly [name: string]: Value };

/** One record. */
export type Row = Record<string, Value>;

/** What a record may be made of: an object whose members are values; those that are undefined are null. */
export type RowLike = object;

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** What a `bigint` is called on the way to the native half; `src/wire.rs` has the same name. */
const BIGINT = "#bigint";

/** Plain data as the native half reads it: JSON text, with what JSON lacks in objects of one member. */
export function encode(data: unknown, what: string): string {
  return JSON.stringify(plain(data, what));
}

/** Reads what the native half says. */
export function decode<T>(text: string): T {
  return JSON.parse(text) as T;
}

/** A value as the native half reads it. Lists and objects are named, so that no object is taken for a name. */
export function tagged(value: unknown, what: string): Json {
  if (Array.isArray(value)) return { list: value.map((item) => tagged(item, what)) };
  if (isPlainObject(value)) return { struct: members(value, (member, name) => tagged(member, `${what}.${name}`)) };
  return scalar(value, what);
}

/** A value from its JSON form: the other way around. */
export function untagged(json: unknown): Value {
  if (typeof json !== "object" || json === null) return json as Value;
  const [tag, inner] = Object.entries(json)[0] as [string, unknown];
  switch (tag) {
    case "int":
      return BigInt(inner as string);
    case "float":
      return { nan: NaN, inf: Infinity, "-inf": -Infinity }[inner as string] ?? Number(inner);
    case "bytes":
      return new Uint8Array(Buffer.from(inner as string, "hex"));
    case "instant":
      return instant(inner as string);
    case "list":
      return (inner as unknown[]).map(untagged);
    case "struct":
      return Object.fromEntries(pairs(inner).map(([name, member]) => [name, untagged(member)]));
    default:
      return inner as string;
  }
}

/** Whether it is an object without a class. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null;
}

function plain(value: unknown, what: string): Json {
  if (Array.isArray(value)) return value.map((item) => plain(item, what));
  if (typeof (value as { toJSON?: unknown } | null)?.toJSON === "function" && !(value instanceof Date)) {
    return plain((value as { toJSON(): unknown }).toJSON(), what);
  }
  if (isPlainObject(value)) return members(value, (member, name) => plain(member, `${what}.${name}`));
  return scalar(value, what);
}

function members(object: Record<string, unknown>, convert: (member: unknown, name: string) => Json): Json {
  const given = Object.entries(object).filter(([, member]) => member !== undefined);
  return Object.fromEntries(given.map(([name, member]) => [name, convert(member, name)]));
}

function scalar(value: unknown, what: string): Json {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "undefined":
      return null;
    case "number":
      return number(value);
    case "bigint":
      return { [BIGINT]: value.toString() };
  }
  if (value === null) return null;
  if (value instanceof Date) return { instant: moment(value, what).toISOString() };
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString("hex") };
  throw new TypeError(`${what} takes plain data, not ${nameOf(value)}`);
}

function number(value: number): Json {
  if (Number.isNaN(value)) return { float: "nan" };
  if (Number.isFinite(value)) return value;
  return { float: value > 0 ? "inf" : "-inf" };
}

/** A date that is one. */
function moment(value: Date, what: string): Date {
  if (Number.isNaN(value.getTime())) throw new TrueupError("data", `${what} is an invalid Date`);
  return value;
}

/** A `Date` where it holds the instant exactly, else the text. */
function instant(text: string): Date | string {
  const fraction = /\.(\d+)/.exec(text)?.[1] ?? "";
  const date = new Date(text);
  return fraction.length > 3 || Number.isNaN(date.getTime()) ? text : date;
}

function pairs(inner: unknown): [string, unknown][] {
  return Array.isArray(inner) ? (inner as [string, unknown][]) : Object.entries(inner as Record<string, unknown>);
}
