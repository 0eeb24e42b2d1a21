import { Approval, Grant, type Key } from "./approvals.js";
import { decode, encode } from "./data.js";
import { wrongType } from "./errors.js";
import { Decision, type Review } from "./guard.js";
import { Plan } from "./plan.js";
import { pathOf } from "./records.js";
import type { Report } from "./report.js";
import type { Coverage, Snapshot } from "./snapshot.js";
import { camel, dated, millis } from "./words.js";
import { Work, work, type WorkOptions } from "./work.js";
import native = require("../trueup.node");

/** A document as it was written down. */
type Document = Readonly<Record<string, unknown>>;

/** What became of findings since the last report of a reconciliation. */
export interface Followed {
  readonly opened: readonly string[];
  readonly changed: readonly string[];
  readonly resolved: readonly string[];
  /** Findings that the report cannot see: it covers something else. They stay open. */
  readonly unseen: readonly string[];
  readonly unchanged: number;
  /** Open findings that are suppressed now. */
  readonly suppressed: number;
}

/** A finding, as it was followed. */
export interface Tracked {
  readonly id: string;
  readonly state: string;
  readonly openedAt: Date;
  readonly changedAt: Date;
  readonly resolvedAt: Date | null;
  readonly timesOpened: number;
  /** Who keeps it out of sight, why and until when. */
  readonly suppressed: { readonly owner: string; readonly reason: string; readonly until: Date } | null;
}

/** A reading that was noted. */
export interface Reading {
  readonly readId: string;
  readonly tenant: string;
  readonly system: string;
  readonly resource: string;
  readonly readAt: string | null;
  readonly rows: number;
  readonly coverage: Coverage;
  /** The fields and their types: `serial text, free_gib int`. */
  readonly fields: string;
}

/** An entry of the audit log. */
export interface LogEntry {
  readonly place: number;
  readonly kind: string;
  readonly at: string;
  /** What it tells; null once it was erased. */
  readonly payload: Document | null;
  readonly erased: boolean;
  readonly leaf: string;
}

/** What an evidence pack or a log was found to show. Look at `holds` first. */
export interface Verdict {
  /** Whether nothing is wrong. */
  readonly holds: boolean;
  readonly problems: readonly { readonly place: string; readonly what: string }[];
  readonly about: unknown;
  readonly checkpoint: { readonly origin: string; readonly size: number; readonly root: string } | null;
  /** Whose signatures hold, of the trusted keys. */
  readonly signers: readonly string[];
  readonly strangers: readonly string[];
  /** Entries of the log that a checkpoint covers: nobody can rewrite them any more. */
  readonly anchored: readonly number[];
  readonly notAnchored: readonly number[];
  readonly erased: readonly Document[];
  readonly files: readonly Document[];
  /** All of it, in a few lines. */
  readonly text: string;
}

/** Whose public keys are trusted, and a checkpoint that was kept elsewhere. */
export interface Trust {
  readonly logs?: readonly string[] | undefined;
  readonly approvers?: readonly string[] | undefined;
  /** Against it, a log that was cut or rewritten is found. */
  readonly saved?: string | undefined;
}

/** How a store is opened. */
export interface StoreOptions extends WorkOptions {
  readonly mode?: "create" | "open" | "open_or_create" | "in_memory" | undefined;
  readonly busy_ms?: number;
  readonly batch?: number;
  readonly most_pages?: number;
  /** A new store's name of its log. */
  readonly log?: string;
}

/** Who forgets, and why. */
export interface Forgetting {
  readonly by: string;
  readonly reason: string;
}

/** How much was forgotten. */
export type Forgotten = Readonly<Record<"entries" | "documents" | "records", number>>;

/**
 * One SQLite file that remembers what was read, found, planned, permitted and done. Everything it does is done whole, with
 * its entry in the audit log, or not at all.
 *
 * ```js
 * const store = await Store.open("trueup.db");
 * await store.keep(plan, decision, ...answers, grant);
 * ```
 */
export class Store {
  /** @internal */
  readonly native: native.Store;

  private constructor(handle: native.Store) {
    this.native = handle;
  }

  /** Opens a store, and makes it if it is not there. */
  static open(path: string | URL, { mode, signal, progress, ...settings }: StoreOptions = {}): Work<Store> {
    const how = [pathOf(path), encode(mode ?? "open_or_create", "mode"), encode(settings, "Store")] as const;
    return new Work(() => native.Store.make(...how), (handle: native.Store) => new Store(handle), { signal, progress });
  }

  /** A store that ends with its last handle. */
  static inMemory(options: StoreOptions = {}): Work<Store> {
    return Store.open("", { ...options, mode: "in_memory" });
  }

  /** Makes a store of a backup, which is checked first and stays as it is. */
  static restore(backup: string | URL, to: string | URL, options?: WorkOptions): Work<Store> {
    const start = (): native.Work => native.Store.restore(pathOf(backup), pathOf(to));
    return new Work(start, (handle: native.Store) => new Store(handle), options);
  }

  /** Lets go of the file; a run that goes on keeps it until its end. */
  close(): void {
    this.native.close();
  }

  /** Writes down a plan, then what was decided and answered about it, and its grant; secret values are not kept. */
  async keep(...things: (Plan | Decision | Approval | Grant)[]): Promise<void> {
    for (const thing of things) await this.#keep(thing);
  }

  /** A plan that was kept. One that writes secrets can be looked at, but not carried out. */
  plan(digest: string): Work<Plan> {
    return new Work(() => this.native.plan(digest), Plan.of);
  }

  /** What was decided about the plan of this digest, first to last. */
  decisions(plan: string): Work<{ readonly what: string; readonly document: Document | null; readonly at: Date }[]> {
    type Noted = { readonly what: string; readonly document: Document | null; readonly at: Date };
    return this.#ask({ decisions: { plan } }, (found: object[]) => found.map((one) => dated<Noted>(one, "at")));
  }

  /** What people said about the plan of this digest, first to last; what was erased is left out. */
  answers(plan: string): Work<Approval[]> {
    const kept = (found: { document: object | null }[]): Approval[] =>
      found.flatMap(({ document }) => (document === null ? [] : [Approval.fromJSON(document)]));
    return this.#ask({ answers: { plan } }, kept);
  }

  /** A grant that was written down, and the run that used it. */
  grant(grant: string): Work<KeptGrant> {
    return this.#ask({ grant: { grant } }, (said: object) => dated<KeptGrant>(said, "expires"));
  }

  /** How much of a limit plans have used since then. */
  used(limit: string, since: Date): Work<number> {
    return this.#ask({ used: { limit, since: millis(since, "since") } });
  }

  /** What was done under break-glass, with when somebody must look at it and who has; first due first. */
  reviews(): Work<KeptReview[]> {
    return this.#ask("reviews", (found: object[]) => found.map((one) => dated<KeptReview>(one, "due")));
  }

  /** Writes down that somebody has looked at what was done with a grant of break-glass. */
  review(grant: string, by: string): Work<void> {
    return this.#ask({ review: { grant, by } }, () => undefined);
  }

  /** Notes a reading in the catalogue. */
  noteReading(snapshot: Snapshot): Work<void> {
    return work(() => this.native.noteReading(snapshot.native));
  }

  /** The readings of a system, last first. */
  readings(system: string, { tenant = "" }: { readonly tenant?: string } = {}): Work<Reading[]> {
    return this.#ask({ readings: { tenant, system } }, (found: object[]) => found.map(reading));
  }

  /** Notes that both sides agree as this report says: what later plans are measured against. */
  noteAgreed(report: Report): Work<void> {
    return work(() => this.native.noteAgreed(report.native));
  }

  /** How many records both sides had when they last agreed. */
  lastAgreed(name: string, options: Scope = {}): Work<{ readonly expected: number; readonly actual: number } | null> {
    return this.#ask({ last_agreed: scope(name, options) });
  }

  /** Follows the findings of a reconciliation from its last report to this one. */
  follow(report: Report): Work<Followed> {
    return new Work(() => this.native.follow(report.native), (text: string) => decode<Followed>(text));
  }

  /** The findings of a reconciliation, those that are resolved too, by id. */
  findings(name: string, options: Scope = {}): Work<Tracked[]> {
    return this.#ask({ findings: scope(name, options) }, (found: object[]) => found.map(tracked));
  }

  /** Keeps an open finding out of sight until then; whoever owns that says why. */
  suppress(
    report: Report,
    finding: string,
    { owner, reason, until }: { readonly owner: string; readonly reason: string; readonly until: Date },
  ): Work<void> {
    const end = millis(until, "until");
    return work(() => this.native.suppress(report.native, finding, owner, reason, end));
  }

  /** Ends a suppression before its time. */
  unsuppress(report: Report, finding: string, { by }: { readonly by: string }): Work<void> {
    return work(() => this.native.unsuppress(report.native, finding, by));
  }

  /** Copies the store, as it is at one moment, into a new file, and checks the copy. */
  backup(to: string | URL): Work<void> {
    return this.#ask({ backup: { to: pathOf(to) } }, () => undefined);
  }

  /** Checks the file, its tables and every entry of the log; gives the log's size and root. */
  verify(): Work<{ readonly entries: number; readonly erased: number; readonly root: string }> {
    return this.#ask("verify");
  }

  /** Entries of the audit log, from a place on. */
  logEntries({ from = 0, most = 1000 }: { readonly from?: number; readonly most?: number } = {}): Work<LogEntry[]> {
    return this.#ask({ log_entries: { from, most } });
  }

  /** Signs the log's head: whoever keeps the note finds any later change of what it covers. */
  checkpoint(key: Key): Work<string> {
    return work(() => this.native.checkpoint(key.native));
  }

  /** The checkpoints that were signed, smallest first. */
  checkpoints(): Work<string[]> {
    return this.#ask("checkpoints");
  }

  /** Verifies the log against its checkpoints, and one that was kept elsewhere, with these public keys. */
  verifyLog({ saved, logs }: Omit<Trust, "approvers">): Work<Verdict> {
    return this.#ask({ verify_log: { trust: { logs: logs ?? [] }, saved } }, (said: object) => camel<Verdict>(said));
  }

  /**
   * The evidence pack of a run, by its report or name: plan, decisions, answers, receipts, entries of the log and their
   * proofs. `files` go in too, and whoever gets the pack can read them.
   */
  evidence(run: { readonly run: string } | string, key: Key, { files = [] }: { readonly files?: EvidenceFile[] } = {}): Work<Uint8Array> {
    const name = typeof run === "string" ? run : run.run;
    return work(() => this.native.evidence(name, files, key.native));
  }

  /** Forgets payloads, documents and records that are older; the log still verifies. */
  forgetBefore(time: Date, { by, reason }: Forgetting): Work<Forgotten> {
    return this.#ask({ forget_before: { time: millis(time, "time"), by, reason } });
  }

  /** Forgets what a person said, and every payload that tells of them. */
  forgetPerson(person: string, { by, reason }: Forgetting): Work<Forgotten> {
    return this.#ask({ forget_person: { person, by, reason } });
  }

  #keep(thing: Plan | Decision | Approval | Grant): Work<void> {
    if (thing instanceof Plan) return work(() => this.native.keepPlan(thing.native));
    if (thing instanceof Decision) return work(() => this.native.keepDecision(thing.native));
    if (thing instanceof Grant) return work(() => this.native.keepGrant(thing.native));
    if (thing instanceof Approval) return this.#ask({ keep_answer: { answer: thing } }, () => undefined);
    throw wrongType("things", "plans, decisions, answers and grants", thing);
  }

  #ask<T>(question: unknown, take: (said: never) => T = (said) => said as T): Work<T> {
    const asked = encode(question, "the question to the store");
    return new Work(() => this.native.ask(asked), (text: string) => take(decode<never>(text)));
  }
}

/** A file of the host's in an evidence pack. */
export interface EvidenceFile {
  readonly name: string;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

/** A grant that was written down. */
export interface KeptGrant {
  readonly id: string;
  readonly plan: string;
  readonly expires: Date;
  /** The run that used it. */
  readonly run: string | null;
}

/** A review that is due, or done. */
export interface KeptReview extends Review {
  readonly reviewed: { readonly by: string; readonly at: number } | null;
}

/** Whose findings, and of which resource. */
export interface Scope {
  readonly tenant?: string | undefined;
  readonly resource?: string | undefined;
}

/** Checks an evidence pack, offline, with the public keys of logs and people that you trust. */
export function verifyEvidence(pack: Uint8Array, { logs, approvers, saved }: Trust, options?: WorkOptions): Work<Verdict> {
  const trust = encode({ logs: logs ?? [], approvers: approvers ?? [] }, "trust");
  const start = (): native.Work => native.verifyEvidence(pack, trust, saved);
  return new Work(start, (text: string) => camel<Verdict>(decode<object>(text)), options);
}

/** The pack with one more signature of its manifest; verify it before you sign. */
export function signEvidence(pack: Uint8Array, key: Key, options?: WorkOptions): Work<Uint8Array> {
  return work(() => native.signEvidence(pack, key.native), options);
}

function scope(name: string, { tenant = "", resource = "" }: Scope): Document {
  return { tenant, name, resource };
}

function reading(said: object): Reading {
  const found = camel<Omit<Reading, "coverage"> & { readonly coverage: string }>(said);
  return { ...found, coverage: decode(found.coverage) };
}

function tracked(said: object): Tracked {
  const found = dated<Tracked>(camel(said), "openedAt", "changedAt", "resolvedAt");
  return { ...found, suppressed: found.suppressed && dated<typeof found.suppressed>(found.suppressed, "until") };
}
