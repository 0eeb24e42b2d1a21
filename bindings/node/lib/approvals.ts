import { bridge } from "./bridge.js";
import { decode, encode } from "./data.js";
import { guard, wrongType } from "./errors.js";
import { names } from "./records.js";
import { camel, dated, millis } from "./words.js";
import { Work, work, type WorkOptions } from "./work.js";
import native = require("../trueup.node");

/** Which public keys are whose: `{ "person:bo": bo.verifier }`. An answer that is signed counts under one of them. */
export type Keys = { readonly [person: string]: string | readonly string[] };

/** A key that signs: for a log, or for a person. */
export class Key {
  /** @internal */
  readonly native: native.Key;

  private constructor(handle: native.Key) {
    this.native = handle;
  }

  /** A new key of this name, which lasts as long as the object. */
  static generate(name: string): Key {
    return new Key(guard(() => native.Key.generate(name)));
  }

  /** The key of this name that comes from these 32 secret bytes. */
  static fromSeed(name: string, seed: Uint8Array): Key {
    return new Key(guard(() => native.Key.fromSeed(name, seed)));
  }

  /** A key that is kept elsewhere: its public half, and who makes Ed25519 signatures with it. */
  static ofHost(verifier: string, sign: (message: Uint8Array) => Uint8Array | PromiseLike<Uint8Array>): Key {
    const methods = {
      sign: async (message: unknown) => {
        const signature = await sign(new Uint8Array(Buffer.from(message as string, "hex")));
        return { said: Buffer.from(signature).toString("hex") };
      },
    };
    return new Key(guard(() => native.Key.ofHost(verifier, bridge(methods))));
  }

  /** The public half as text: what others check signatures with. */
  get verifier(): string {
    return this.native.verifier();
  }

  /** The Ed25519 signature of these bytes. */
  sign(message: Uint8Array, options?: WorkOptions): Work<Uint8Array> {
    return work(() => this.native.sign(message), options);
  }
}

/** Permission to carry one plan out, once, until it expires. It comes of answers, and of nothing else. */
export class Grant {
  /** @internal */
  readonly native!: native.Grant;
  /** Names it, in hexadecimal digits. */
  readonly id!: string;
  /** The digest of the plan that may be carried out. */
  readonly plan!: string;
  /** When it ends. */
  readonly expires!: Date;
  readonly requester!: readonly string[];
  /** What it rests on: the policy, or the people. */
  readonly by!: "policy" | Readonly<Record<string, unknown>>;

  private constructor(handle: native.Grant) {
    Object.assign(this, dated<Grant>(decode(handle.facts()), "expires"));
    Object.defineProperty(this, "native", { value: handle, enumerable: false });
  }

  /** @internal */
  static of(handle: native.Grant | null): Grant {
    return new Grant(handle as native.Grant);
  }
}

/** A person's answer, bound to a question. It counts once it is signed or attested. */
export class Approval {
  readonly #data: Readonly<Record<string, unknown>>;

  private constructor(data: object) {
    this.#data = { ...data };
  }

  /** Reads the answer that {@link toJSON} gave. */
  static fromJSON(data: object): Approval {
    return new Approval(data);
  }

  /** The answer as plain data: to be kept, sent and read again. */
  toJSON(): Record<string, unknown> {
    return { ...this.#data };
  }

  /** The answer with the person's signature. */
  sign(key: Key, options?: WorkOptions): Work<Approval> {
    const answer = encode(this.#data, "answer");
    return new Work(() => native.sign(answer, key.native), (text: string) => new Approval(decode(text)), options);
  }

  /** The answer with the host's word that the person gave it: nobody can check that afterwards. */
  attest(host: string): Approval {
    return new Approval(decode(guard(() => native.attest(encode(this.#data, "answer"), host))));
  }

  /** Whose answer it is. */
  get person(): string {
    const { approver } = this.#data as { approver: { actor: readonly string[] } };
    return approver.actor[0] ?? "";
  }
}

/** What the answers to a question come to. */
export type Standing =
  | { readonly state: "granted"; readonly grant: Grant }
  | {
      readonly state: "waiting";
      /** Who must still answer. */
      readonly missing: readonly Readonly<Record<string, unknown>>[];
      /** Until when somebody deferred it. */
      readonly notBefore: Date | null;
      readonly text: string;
    }
  | { readonly state: "rejected"; readonly by: string; readonly reason: string; readonly text: string }
  | { readonly state: "expired"; readonly at: Date; readonly text: string };

/** Who answers, and when. */
export interface Answering {
  /** The roles that the host knows the person to have. */
  readonly roles: string | readonly string[];
  /** Those for whom the person acts. */
  readonly delegateOf?: string | readonly string[] | undefined;
  readonly now?: Date | undefined;
}

/** What answers are judged by. */
export interface Judging {
  readonly keys?: Keys | undefined;
  readonly now?: Date | undefined;
}

/**
 * A question put to people: what they answer is bound to it, to its plan, and to what that rests on.
 *
 * ```js
 * const question = (await policy.decide(plan, { actor: "agent:sync" })).question();
 * const yes = question.approve("person:bo", { roles: "owner" }).attest("desk");
 * const { grant } = question.standing([yes]);
 * ```
 */
export class Question {
  readonly #data: Readonly<Record<string, unknown>>;

  private constructor(data: object) {
    this.#data = { ...data };
  }

  /** Reads the question that {@link toJSON} gave. */
  static fromJSON(data: object): Question {
    return new Question(data);
  }

  /** The question as plain data: to be kept, sent and read again. */
  toJSON(): Record<string, unknown> {
    return { ...this.#data };
  }

  /** Who must answer, escalations left aside: `{ roles, count, within }`, in milliseconds. */
  get asks(): readonly Readonly<Record<string, unknown>>[] {
    return this.#data["asks"] as readonly Readonly<Record<string, unknown>>[];
  }

  /** When it is over. */
  get expires(): Date {
    return new Date(this.#data["expires"] as number);
  }

  /** Yes. */
  approve(person: string, by: Answering): Approval {
    return this.#answer("approve", person, by);
  }

  /** No. It stands until the person says otherwise, or two others override it. */
  reject(person: string, { reason, ...by }: Answering & { readonly reason: string }): Approval {
    return this.#answer({ reject: { reason } }, person, by);
  }

  /** Yes, in spite of a rejection or deferral: two people must say so. */
  override(person: string, { reason, ...by }: Answering & { readonly reason: string }): Approval {
    return this.#answer({ override: { reason } }, person, by);
  }

  /** One more person must be asked, with one of the roles `to`. */
  escalate(
    person: string,
    { to, reason, ...by }: Answering & { readonly to: string | readonly string[]; readonly reason: string },
  ): Approval {
    return this.#answer({ escalate: { roles: names(to, "to"), reason } }, person, by);
  }

  /** Not before this moment. */
  defer(person: string, { until, ...by }: Answering & { readonly until: Date }): Approval {
    return this.#answer({ defer: { until: millis(until, "until") } }, person, by);
  }

  /** Why an answer counts for nothing, if so; `before` are those given already. */
  refusal(answer: Approval, before: readonly Approval[] = [], { keys, now }: Judging = {}): string | null {
    const asked = [this.#text(), encode(answer, "answer"), answered(before), keysOf(keys), nowOf(now)] as const;
    return guard(() => native.refusal(...asked)) ?? null;
  }

  /** What the answers come to now. Those that {@link refusal} names a reason for count for nothing. */
  standing(answers: readonly Approval[], { keys, now }: Judging = {}): Standing {
    const made = guard(() => native.standing(this.#text(), answered(answers), keysOf(keys), nowOf(now)));
    const said = camel<Record<string, unknown>>(decode<object>(made.said()));
    if (said["state"] === "granted") return { state: "granted", grant: Grant.of(made.grant()) };
    return dated<Record<string, unknown>>(said, "notBefore", "at") as unknown as Standing;
  }

  #answer(answer: unknown, person: string, { roles, delegateOf = [], now }: Answering): Approval {
    const delegates = names(delegateOf, "delegateOf");
    const approver = { actor: [person], roles: names(roles, "roles"), delegate_of: delegates };
    const asked = [this.#text(), encode(answer, "answer"), encode(approver, "approver"), nowOf(now)] as const;
    return Approval.fromJSON(decode(guard(() => native.answer(...asked))));
  }

  #text(): string {
    return encode(this.#data, "question");
  }
}

/** Answers as the native half reads them. */
export function answered(answers: readonly Approval[]): string {
  if (!Array.isArray(answers) || !answers.every((answer) => answer instanceof Approval)) {
    throw wrongType("answers", "an array of Approvals", answers);
  }
  return encode(answers, "answers");
}

/** Keys of people as the native half reads them. */
export function keysOf(keys: Keys | undefined): string {
  return encode(keys ?? {}, "keys");
}

/** A moment, or now. */
export function nowOf(now: Date | undefined): number {
  return now === undefined ? Date.now() : millis(now, "now");
}
