import { decode, encode } from "./data.js";
import { guard } from "./errors.js";
import type { Plan } from "./plan.js";
import { Work, type WorkOptions } from "./work.js";
import native = require("../trueup.node");

/** What may be done: the greater one wins, `deny` before `ask` before `allow`. */
export type Outcome = "deny" | "ask" | "allow";

/** What a policy is asked about a plan. */
export interface Question {
  /** Who acts, or a chain: who acts first, then on whose behalf. */
  readonly actor: string | readonly string[];
  /** When; now if not given. */
  readonly now?: Date | undefined;
  readonly environment?: string | undefined;
  /** How many rows the expected side had when both sides last agreed. */
  readonly agreedRows?: number | undefined;
  readonly facts?: { readonly [name: string]: boolean | number | string | readonly string[] } | undefined;
  /** What of each limit is used up already. */
  readonly used?: { readonly [limit: string]: number } | undefined;
}

/** What a policy decided about a plan: an outcome for each change, and the greatest of them for the plan. */
export interface Decision {
  readonly outcome: Outcome;
  /** The greatest risk of its changes: `R1`, `R2` or `R3`, which always asks. */
  readonly risk: string;
  readonly score: number;
  /** The places of the changes in the plan, by outcome; `plan.without(decision.places.deny)` leaves the denied out. */
  readonly places: Readonly<Record<Outcome, readonly number[]>>;
  /** Who must be asked for the plan as a whole: every one of these. */
  readonly asks: readonly Readonly<Record<string, unknown>>[];
  /** The different decisions there are among its changes, with the rules that decided. */
  readonly changes: readonly Readonly<Record<string, unknown>>[];
  readonly at: Date;
  /** Until when it holds: no window, freeze or budget changes before. */
  readonly validUntil: Date;
  /** The plan's digest. */
  readonly plan: string;
  /** The policy's hash. */
  readonly policy: string;
  /** All of it as the engine writes it. */
  readonly document: Readonly<Record<string, unknown>>;
}

/** Why a policy decides a plan as it does. */
export interface Reasons {
  readonly outcome: Outcome;
  /** The rules that match or may, those that weigh most first. */
  readonly rules: readonly Readonly<Record<string, unknown>>[];
  /** What would alter the outcome, each the least of its kind. */
  readonly remedies: readonly string[];
  /** All of it, in a few lines. */
  readonly text: string;
}

/**
 * Rules that say what may be done, by whom, when, how much of it, and who is asked. A policy that was read is whole:
 * unknown members, unknown facts and rules that contradict themselves were refused.
 */
export class Policy {
  /** The document of the policy that holds where nobody wrote one: read it, copy it, change it. */
  static readonly STANDARD: string = native.Policy.standardDocument();

  readonly #native: native.Policy;
  readonly #facts: { readonly name: string; readonly hash: string; readonly ruleIds: readonly string[] };

  private constructor(handle: native.Policy) {
    this.#native = handle;
    this.#facts = decode(handle.facts());
  }

  /** Reads a TOML document. */
  static fromTOML(text: string): Policy {
    return new Policy(guard(() => native.Policy.fromToml(text)));
  }

  /** Reads a JSON document, as text or parsed. */
  static fromJSON(json: string | object): Policy {
    const text = typeof json === "string" ? json : JSON.stringify(json);
    return new Policy(guard(() => native.Policy.fromJson(text)));
  }

  /** The policy that holds where nobody wrote one. */
  static standard(): Policy {
    return new Policy(guard(() => native.Policy.standard()));
  }

  /** The JSON Schema of the document. */
  static schema(): Record<string, unknown> {
    return decode(native.Policy.schema());
  }

  /** The policy as plain data. */
  toJSON(): Record<string, unknown> {
    return decode(this.#native.toJSON());
  }

  /** What it is called. */
  get name(): string {
    return this.#facts.name;
  }

  /** Its hash: two documents that mean the same have the same. */
  get hash(): string {
    return this.#facts.hash;
  }

  /** The ids of its rules, sorted. */
  get ruleIds(): readonly string[] {
    return this.#facts.ruleIds;
  }

  /** What it decides about a plan. */
  decide(plan: Plan, question: Question, options?: WorkOptions): Work<Decision> {
    const asked = encode(request(question), "decide");
    return new Work(() => this.#native.decide(plan.native, asked), decision, options);
  }

  /** Why it decides so. */
  explain(plan: Plan, question: Question, options?: WorkOptions): Work<Reasons> {
    const asked = encode(request(question), "explain");
    return new Work(() => this.#native.explain(plan.native, asked), (text: string) => decode<Reasons>(text), options);
  }
}

function request({ actor, now, agreedRows, ...rest }: Question): Record<string, unknown> {
  return {
    ...rest,
    actor: typeof actor === "string" ? [actor] : actor,
    now: (now ?? new Date()).getTime(),
    agreed_rows: agreedRows,
  };
}

type Said = Omit<Decision, "at" | "validUntil" | "document"> & { readonly at: number; readonly valid_until: number };

function decision(text: string): Decision {
  const said = decode<Said>(text);
  const { outcome, risk, score, places, asks, changes, plan, policy } = said;
  const moments = { at: new Date(said.at), validUntil: new Date(said.valid_until) };
  return { outcome, risk, score, places, asks, changes, ...moments, plan, policy, document: { ...said } };
}
