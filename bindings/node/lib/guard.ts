import { readFile } from "node:fs/promises";

import { Approval, Grant, Question, answered, keysOf, nowOf, type Keys } from "./approvals.js";
import { decode, encode } from "./data.js";
import { guard, wrongType } from "./errors.js";
import { Plan } from "./plan.js";
import { names, pathOf } from "./records.js";
import { camel, dated, millis } from "./words.js";
import { Work, type WorkOptions } from "./work.js";
import native = require("../trueup.node");

/** What may be done: the greater one wins, `deny` before `ask` before `allow`. */
export type Outcome = "deny" | "ask" | "allow";

/** What a policy is asked about a plan. */
export interface Request {
  /** Who acts, or a chain: who acts first, then on whose behalf. */
  readonly actor: string | readonly string[];
  /** When; now if not given. */
  readonly now?: Date | undefined;
  /** Where it would be done: `production`, `test`, … */
  readonly environment?: string | undefined;
  /** How many rows the expected side had when both sides last agreed. */
  readonly agreedRows?: number | undefined;
  /** What holds for every change that does not say otherwise itself. */
  readonly facts?: { readonly [name: string]: boolean | number | string | readonly string[] } | undefined;
  /** What of each limit is used up already. */
  readonly used?: { readonly [limit: string]: number } | undefined;
}

/** A part of a decision as the engine writes it. */
type Document = Readonly<Record<string, unknown>>;

/** What a policy says of a plan: an outcome for each change, and the greatest of them for the plan. */
interface DecisionFacts {
  readonly outcome: Outcome;
  /** The greatest risk of its changes: `R1`, `R2` or `R3`, which always asks. */
  readonly risk: string;
  readonly score: number;
  /** The places of the changes in the plan, by outcome. */
  readonly places: Readonly<Record<Outcome, readonly number[]>>;
  /** Who must be asked for the plan as a whole: every one of these. */
  readonly asks: readonly Document[];
  /** The different decisions there are among its changes, with the rules that decided. */
  readonly changes: readonly Document[];
  readonly at: Date;
  /** Until when it holds: no window, freeze or budget changes before. */
  readonly validUntil: Date;
  readonly requester: readonly string[];
  /** The plan's digest. */
  readonly plan: string;
  /** The policy's hash. */
  readonly policy: string;
  /** A digest of what it was taken against: the plan, and the counts that its limits used. */
  readonly against: string;
  readonly counts: readonly Document[];
  readonly uses: readonly Document[];
  readonly lifted: readonly string[];
  /** In milliseconds; null without one. */
  readonly timeout: number | null;
  readonly evidence: readonly string[];
  readonly staleShare: number;
  readonly zoneData: string;
}

export interface Decision extends DecisionFacts {}

/** What a policy decided about a plan; made by {@link Policy.decide}. */
export class Decision {
  /** @internal */
  readonly native!: native.Decision;

  private constructor(handle: native.Decision) {
    Object.assign(this, dated(camel<DecisionFacts>(decode(handle.facts())), "at", "validUntil"));
    Object.defineProperty(this, "native", { value: handle, enumerable: false });
  }

  /** @internal */
  static of(handle: native.Decision): Decision {
    return new Decision(handle);
  }

  /** What it asks people; a denial asks nobody, and throws with the code `forbidden`. */
  question(): Question {
    return Question.fromJSON(decode(guard(() => this.native.question())));
  }

  /** The places of the changes that are denied; `plan.without(decision.denied)` leaves them out. */
  get denied(): readonly number[] {
    return this.places.deny;
  }
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

  /** @internal */
  readonly native: native.Policy;
  readonly #facts: { readonly name: string; readonly hash: string; readonly ruleIds: readonly string[] };

  private constructor(handle: native.Policy) {
    this.native = handle;
    this.#facts = camel(decode<object>(handle.facts()));
  }

  /** Reads a file: TOML, or JSON where it is called so. */
  static async load(path: string | URL): Promise<Policy> {
    const file = pathOf(path);
    const text = await readFile(file, "utf8");
    return file.endsWith(".json") ? Policy.fromJSON(text) : Policy.fromTOML(text);
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
    return decode(this.native.toJSON());
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
  decide(plan: Plan, request: Request, options?: WorkOptions): Work<Decision> {
    return decide(this, plan, request, undefined, options);
  }

  /** Why it decides so, and what would alter that. */
  explain(plan: Plan, request: Request, options?: WorkOptions): Work<Reasons> {
    const [handle, asked] = [planOf(plan), requestOf(request)];
    return new Work(() => this.native.explain(handle, asked), (text: string) => decode<Reasons>(text), options);
  }

  /** What two people are asked before glass is broken. */
  breakGlassQuestion(opening: Opening): Question {
    return Question.fromJSON(decode(guard(() => this.native.glassQuestion(openingOf(opening)))));
  }

  /** Breaks glass, where two people said yes to {@link breakGlassQuestion}. */
  breakGlass(
    opening: Opening,
    answers: readonly Approval[],
    { keys, now }: { readonly keys?: Keys; readonly now?: Date } = {},
  ): BreakGlass {
    const asked = [openingOf(opening), answered(answers), keysOf(keys), nowOf(now)] as const;
    return BreakGlass.of(this, guard(() => this.native.breakGlass(...asked)));
  }
}

/** What somebody wants lifted for a few hours, and why: limits, windows and freezes; four hours at most. */
export interface Opening {
  /** Who will work while it is open, as a request's `actor`. */
  readonly requester: string | readonly string[];
  /** The ids of the rules whose limits are lifted. */
  readonly lifts: string | readonly string[];
  readonly reason: string;
  readonly from: Date;
  readonly until: Date;
}

/** What somebody must look at afterwards, and by when. */
export interface Review {
  readonly opening: string;
  readonly plan: string;
  readonly grant: string;
  readonly due: Date;
}

/** Limits that two people lifted for a few hours. It lifts what its opening names, and nothing else. */
export class BreakGlass {
  /** @internal */
  readonly native: native.BreakGlass;
  readonly #policy: Policy;

  private constructor(policy: Policy, handle: native.BreakGlass) {
    this.#policy = policy;
    this.native = handle;
  }

  /** @internal */
  static of(policy: Policy, handle: native.BreakGlass): BreakGlass {
    return new BreakGlass(policy, handle);
  }

  /** Who opened it. */
  get people(): readonly string[] {
    return decode<{ people: string[] }>(this.native.facts()).people;
  }

  /** What the policy says of a plan while this is open. */
  decide(plan: Plan, request: Request, options?: WorkOptions): Work<Decision> {
    return decide(this.#policy, plan, request, this.native, options);
  }

  /** The one grant of a plan, and the review that it brings; `granted` are digests of plans that had theirs. */
  grant(
    decision: Decision,
    answers: readonly Approval[],
    { granted, keys, now }: { readonly granted?: readonly string[]; readonly keys?: Keys; readonly now?: Date } = {},
  ): { readonly grant: Grant; readonly review: Review } {
    const [said, whose, at] = [answered(answers), keysOf(keys), nowOf(now)];
    const made = guard(() => this.native.grant(decision.native, said, [...(granted ?? [])], whose, at));
    return { grant: Grant.of(made.grant()), review: dated<Review>(decode(made.said()), "due") };
  }
}

/**
 * What must say yes, again, when a plan is carried out: a policy, who asks it, and maybe a broken glass. Time and the use
 * of limits are those of the moment at which it is asked.
 */
export class PolicyGate {
  /** @internal */
  readonly policy: Policy;
  /** @internal */
  readonly request: string;
  /** @internal */
  readonly glass: BreakGlass | undefined;

  constructor(policy: Policy, request: Request, { glass }: { readonly glass?: BreakGlass | undefined } = {}) {
    if (!(policy instanceof Policy)) throw wrongType("policy", "a Policy", policy);
    if (glass !== undefined && !(glass instanceof BreakGlass)) throw wrongType("glass", "a BreakGlass", glass);
    this.policy = policy;
    this.request = requestOf(request);
    this.glass = glass;
  }
}

function decide(
  policy: Policy,
  plan: Plan,
  request: Request,
  glass: native.BreakGlass | undefined,
  options?: WorkOptions,
): Work<Decision> {
  const [handle, asked] = [planOf(plan), requestOf(request)];
  return new Work(() => policy.native.decide(handle, asked, glass), Decision.of, options);
}

function planOf(plan: Plan): native.Plan {
  if (!(plan instanceof Plan)) throw wrongType("plan", "a Plan", plan);
  return plan.native;
}

function requestOf(request: Request): string {
  if (typeof request !== "object" || request === null) throw wrongType("request", "an object with `actor`", request);
  const { actor, now, agreedRows, ...rest } = request;
  const asked = { ...rest, actor: names(actor, "actor"), now: nowOf(now), agreed_rows: agreedRows };
  return encode(asked, "the request");
}

function openingOf({ requester, lifts, from, until, ...rest }: Opening): string {
  const moments = { from: millis(from, "from"), until: millis(until, "until") };
  const said = { ...rest, ...moments, requester: names(requester, "requester"), lifts: names(lifts, "lifts") };
  return encode(said, "opening");
}
