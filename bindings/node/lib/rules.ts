import { nameOf } from "./errors.js";

/** A number, a bigint, or decimal text such as `"0.01"`. A number counts as the decimal that it is written as. */
export type Amount = number | bigint | string;

/** Whose value counts when two sides differ, and so whose system a change would go to. */
export type Owner = "expected" | "actual" | "none";

/**
 * The rule of one field: made by {@link tolerance}, {@link ignore}, {@link text} and their like. Rules go together:
 * `text({ case: "ignore" }).and(defaultValue("none"))`.
 */
export class Rule {
  readonly #members: Readonly<Record<string, unknown>>;

  /** A rule as data, as it stands in a document. */
  constructor(members: Readonly<Record<string, unknown>>) {
    this.#members = { ...members };
  }

  /** Both rules. */
  and(other: Rule): Rule {
    const both = Object.keys(this.#members).find((name) => name in other.#members);
    if (both !== undefined) throw new TypeError(`both rules say \`${both}\`; take one`);
    return new Rule({ ...this.#members, ...other.#members });
  }

  /** The rule as data. */
  toJSON(): Record<string, unknown> {
    return { ...this.#members };
  }
}

/** Values agree when they are equal: what holds without a rule. */
export function exact(): Rule {
  return new Rule({ compare: "exact" });
}

/** The field is not compared, and may stand on one side only. */
export function ignore(): Rule {
  return new Rule({ compare: "ignore" });
}

/** Lists agree when they have the same elements: order and repeats mean nothing. */
export function set(): Rule {
  return new Rule({ compare: "set" });
}

/** Lists agree when every expected element is in the actual list. */
export function subset(): Rule {
  return new Rule({ compare: "subset" });
}

/** Numbers agree when they are no further apart than `absolute`, or than `relative` times the larger. */
export function tolerance(amounts: Amount | { readonly absolute?: Amount; readonly relative?: Amount }): Rule {
  const given = typeof amounts === "object" ? amounts : { absolute: amounts };
  const said = Object.entries(given).filter(([, amount]) => amount !== undefined);
  return new Rule({ tolerance: Object.fromEntries(said.map(([name, value]) => [name, amount(name, value)])) });
}

/** Times agree when they are no further apart than this: milliseconds, or `"90s"`, `"5m"`, `"1d"`, … */
export function timeTolerance(amount: number | string): Rule {
  return new Rule({ time_tolerance: typeof amount === "number" ? `${amount}ms` : amount });
}

/** What of a text counts: upper and lower case, white space, the form of its characters. */
export function text(rule: {
  readonly case?: "exact" | "ignore";
  readonly space?: "exact" | "trim" | "collapse" | "remove";
  readonly unicode?: "exact" | "nfc" | "nfkc";
}): Rule {
  return new Rule({ text: Object.fromEntries(Object.entries(rule).filter(([, word]) => word !== "exact")) });
}

/** Values that stand for others, as `{from: to}` or pairs; of a list, its elements. */
export function alias(values: Readonly<Record<string, unknown>> | Iterable<readonly [unknown, unknown]>): Rule {
  const pairs = Symbol.iterator in values ? values : Object.entries(values);
  return new Rule({ aliases: Array.from(pairs as Iterable<readonly unknown[]>, (pair) => [...pair]) });
}

/** The value that null stands for. */
export function defaultValue(value: unknown): Rule {
  return new Rule({ default: value });
}

/** The zone, by its IANA name, in which times without a zone are instants. */
export function zone(name: string): Rule {
  return new Rule({ zone: name });
}

/** Whose value counts when the two sides differ; with `"none"` the field is reported and never planned. */
export function owner(side: Owner): Rule {
  return new Rule({ owner: side });
}

function amount(name: string, value: unknown): number | string {
  if (typeof value === "number" || typeof value === "string") return value;
  if (typeof value === "bigint") return value.toString();
  throw new TypeError(`\`${name}\` must be a number, a bigint or decimal text, not ${nameOf(value)}`);
}
