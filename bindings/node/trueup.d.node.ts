// Written by types.mjs of what Rust declares.

/** Limits that two people lifted for a few hours. */
export declare class BreakGlass {
  /** What it says of itself. */
  facts(): string
  /** The one grant of a plan, and the review that it brings. */
  grant(decision: Decision, answers: string, granted: Array<string>, keys: string, now: number): Granted
}

/** One call of JavaScript, and where its answer goes. */
export declare class Call {
  /** The call's number. */
  get number(): number
  /** The method's name; `cancel` where nobody waits any more for the answer to this number. */
  get method(): string
  /** The request, as JSON. */
  get request(): string
  /** Answers with data; with the records that belong to it, and with a connector. */
  answer(said: string, records?: Array<Records> | undefined | null, host?: ((call: Call) => void) | undefined | null): void
  /** Answers with an exception; after how many seconds to call again, where it says so. */
  fail(kind: string, message: string, retryAfter: number | undefined | null, exception: unknown): void
}

/** What a policy decided about a plan. */
export declare class Decision {
  /** All of it, as JSON. */
  facts(): string
  /** What it asks people, as JSON. */
  question(): string
}

/** What changed since a reading. */
export declare class Delta {
  /** The records that were made or changed. */
  records(): Snapshot
  /** Those that are gone, as JSON. */
  removed(): string
}

/** What became of findings between two reports. */
export declare class Drift {
  /** The counts, and what changed beside the findings. */
  facts(): string
  /** Findings that are new. */
  opened(): Work
  /** Findings whose state is another. */
  changed(): Work
  /** Findings that are gone. */
  resolved(): Work
  /** Findings that stayed as they were. */
  unchangedIds(): Array<string>
}

/** A file of the host's in an evidence pack. */
export interface EvidenceFile {
  /** Its name. */
  name: string
  /** What it is. */
  mediaType: string
  /** What is in it. */
  bytes: Uint8Array
}

/** Permission to carry one plan out, once. */
export declare class Grant {
  /** What it says of itself. */
  facts(): string
}

/** What is said, and the grant that goes with it. */
export declare class Granted {
  /** How the question stands, or the review. */
  said(): string
  /** The grant, where there is one. */
  grant(): Grant | null
}

/** Two snapshots side by side, with an index that takes changes. */
export declare class Incremental {
  /** Puts these records in the place of those that have their keys. */
  change(side: string, records: Records): Work
  /** Removes the records that have these keys. */
  remove(side: string, keys: Records): Work
  /** The report that comparing afresh would give. */
  report(): Work
}

/** A key that signs. */
export declare class Key {
  /** A new key of this name. */
  static generate(name: string): Key
  /** The key that comes from 32 secret bytes. */
  static fromSeed(name: string, seed: Uint8Array): Key
  /** A key that signs by calling JavaScript: hexadecimal digits in and out. */
  static ofHost(verifier: string, post: (call: Call) => void): Key
  /** The public half as text. */
  verifier(): string
  /** The signature of these bytes. */
  sign(message: Uint8Array): Work
}

/** Some rows, by column. */
export interface Pack {
  /** How many rows. */
  rows: number
  /** The columns. */
  columns: Array<PackedColumn>
}

/** One column of some rows. */
export interface PackedColumn {
  /** Its name. */
  name: string
  /** The kind of each cell. */
  kinds: Uint8Array
  /** The number of each cell that is one. */
  numbers: Float64Array
  /** The length of each text, in UTF-16 units. */
  lengths: Uint32Array
  /** The texts, each with a line feed after it. */
  texts: string
}

/** An ordered set of changes with a digest. */
export declare class Plan {
  /** The plan that settles a report's findings; `planning` has `kinds`, `references` and `stages`. */
  static make(report: Report, planning: string): Work
  /** A plan of changes that somebody proposes. */
  static propose(name: string, reading: string, coveredRows: number, changes: string): Plan
  /** Reads the JSON form, and holds it to its digest. */
  static fromJson(text: string): Plan
  /** The plan as JSON, with wide integers as decimals. */
  toJSON(): string
  /** Everything but the changes. */
  facts(): string
  /** The changes. */
  changes(): string
  /** The plan of the changes at these places. */
  narrow(keep: Array<boolean>): Plan
  /** The plan that undoes these effects. */
  rollback(effects: string, reading: string): Undoing
  /** What a side's system calls the resource. */
  resource(side: string): string
}

/** Rules that say what may be done, by whom, when, how much of it, and who is asked. */
export declare class Policy {
  /** Reads a TOML document. */
  static fromToml(text: string): Policy
  /** Reads a JSON document. */
  static fromJson(text: string): Policy
  /** The policy that holds where nobody wrote one. */
  static standard(): Policy
  /** The document of the standard policy. */
  static standardDocument(): string
  /** The JSON Schema of the document. */
  static schema(): string
  /** The policy as JSON. */
  toJSON(): string
  /** Its name, hash and rules. */
  facts(): string
  /** What it decides about a plan, maybe while glass is broken. */
  decide(plan: Plan, request: string, glass?: BreakGlass | undefined | null): Work
  /** Why, as JSON. */
  explain(plan: Plan, request: string): Work
  /** The question whether to break glass. */
  glassQuestion(opening: string): string
  /** Breaks glass. */
  breakGlass(opening: string, answers: string, keys: string, now: number): BreakGlass
}

/** How far work is. */
export interface Progress {
  /** What it is doing. */
  stage: string
  /** The rows done. */
  done: number
  /** The rows in all, where that is known. */
  total?: number
}

/** One page, as a connector gave it. */
export declare class ReadPage {
  /** What the page says beside its records, as JSON. */
  facts(): string
  /** The records. */
  records(): Table
}

/** What is compared and how. */
export declare class Reconciliation {
  /** Reads the document that the TypeScript half wrote. */
  static fromData(text: string): Reconciliation
  /** Reads the document as JSON. */
  static fromJson(text: string): Reconciliation
  /** The document as JSON. */
  toJSON(): string
  /** Compares; `base` makes it a three-way comparison. */
  run(expected: Records, actual: Records, base?: Records | undefined | null, threads?: number | undefined | null): Work
  /** Compares, and keeps an index that takes changes. */
  index(expected: Records, actual: Records, threads?: number | undefined | null): Work
}

/** A system whose answers are kept. */
export declare class Recording {
  /** The system. */
  source(): Source
  /** What it said so far, as JSON lines. */
  tape(): string
}

/**
 * Records as they were given, for one use: they do not wait in memory until JavaScript's collector comes along. What
 * takes long is left for the work that uses them.
 */
export declare class Records {
  /** Packed rows, of a schema or not; `positional` rows are arrays in the order of the schema. */
  static rows(packs: Array<Pack>, schema: string | undefined | null, positional: boolean): Records
  /**
   * Arrow IPC bytes, of the streaming or the file format. They are copied, since JavaScript may write to them at
   * any time; but for those that were transferred, so that nobody else can reach them.
   */
  static ipc(bytes: Uint8Array, transferred: boolean): Records
  /** A file. */
  static path(path: string): Records
  /** A snapshot. */
  static snapshot(snapshot: Snapshot): Records
}

/** What two snapshots agree and disagree on. */
export declare class Report {
  /** Everything that is known without computing more. */
  facts(): string
  /** The digest over name, rules, coverage, counts and findings. */
  digest(): Work
  /** The findings, as a table. */
  findings(): Work
  /** Every finding's id and the digest of its state, as JSON. */
  states(): Work
  /** One finding in words, as JSON. */
  explain(finding: string): Work
  /** The rows of a finding about several. */
  members(finding: string): Work
  /** The expected side's rows of the keys that matched. */
  matched(): Work
  /** Where both sides came from, as JSON. */
  inputs(): Work
  /** The base for the next three-way comparison. */
  advance(base?: Records | undefined | null): Work
  /** The report as a page. */
  html(): Work
  /** Saves the report as a Parquet file. */
  save(path: string): Work
  /** Writes the report as a page. */
  toHtml(path: string): Work
  /** Writes the findings as CSV. */
  toCsv(path: string): Work
  /** Loads a saved report. */
  static load(path: string): Work
  /** What became of the findings of an earlier report. */
  static drift(before: Report, after: Report): Work
}

/** A run that goes on by itself. */
export declare class Run {
  /**
   * The work, whose value is what became of every change, as JSON; the exceptions that came out of
   * `apply` stand beside it.
   */
  work(): Work
  /** Its name, as soon as it has begun. */
  id(): string | null
  /** What happened since the last call, as JSON. */
  events(): string
}

/** What a run begins with: a plan and its grant, or the name of a run and maybe its plan. */
export interface RunStart {
  /** The plan. */
  plan?: Plan
  /** The permission. */
  grant?: Grant
  /** The run that is taken up again. */
  run?: string
  /** The executor's settings, as JSON. */
  settings: string
  /** The policy that is asked again. */
  policy: Policy
  /** Who asks it, as JSON. */
  request: string
  /** What break-glass lifts. */
  glass?: BreakGlass
}

/** A system that a run writes to. */
export interface RunTarget {
  /** Whose system it is. */
  side: string
  /** The system, opened. */
  source: Source
}

/** Records of one resource, with where they come from and what they cover. */
export declare class Snapshot {
  /** Takes records over; `facts` may have `coverage`, `provenance` and `consistency`. */
  static make(records: Records, facts: string): Work
  /** Loads what `save` saved. */
  static load(path: string): Work
  /** Saves it as a Parquet file. */
  save(path: string): Work
  /** The snapshot with other facts: those of `make`. */
  withFacts(facts: string): Snapshot
  /** The snapshot with other facts of a field: `role`, `writable`, `immutable`, `secret`. */
  withField(name: string, facts: string): Snapshot
  /** How many records there are. */
  rows(): number
  /** The fields, the coverage, the provenance, the consistency. */
  facts(): string
  /** The root of the tree over all records. */
  contentRoot(key: Array<string>): Work
  /** The records as a table. */
  table(): Table
}

/** A system that can be read, and maybe written. */
export declare class Source {
  /** Files; settings as JSON. */
  static files(settings: string): Source
  /** An SQLite file; it is opened in the background. */
  static sqlite(config: string): Work
  /** Connects; the password stands apart from the settings, or in the address. */
  static postgres(config: string, url?: string | undefined | null, password?: string | undefined | null): Work
  /** A connector written in JavaScript: the function that calls its methods. */
  static host(post: (call: Call) => void): Source
  /** The system that says what is on a tape. */
  static replay(tape: string): Source
  /** What it says of itself, as JSON. */
  describe(): Work
  /** The same system with what it says of itself known: for runs, and for layers. */
  opened(): Work
  /** An opened system within layers. */
  within(layers: string): Source
  /** An opened system whose answers are kept. */
  record(): Recording
  /** Whether it can be read. */
  check(): Work
  /** A whole resource. */
  read(resource: string, pageSize?: number | undefined | null): Work
  /** What changed in a resource since a reading. */
  readDelta(resource: string, since: string, pageSize?: number | undefined | null): Work
  /** One page. */
  readPage(resource: string, cursor?: string | undefined | null, since?: string | undefined | null, pageSize?: number | undefined | null): Work
}

/** One SQLite file that remembers what was read, found, planned, permitted and done; until it is closed. */
export declare class Store {
  /** Makes or opens a store, as `opening` says. */
  static make(path: string, opening: string, settings: string): Work
  /** Makes a store of a backup. */
  static restore(backup: string, to: string): Work
  /** Lets go of the file; what goes on keeps it until its end. */
  close(): void
  /** A hold of its own on the file, for a run that is about to begin. */
  held(): Store
  /** What is asked in plain data, and answered so. */
  ask(question: string): Work
  /** Notes a reading. */
  noteReading(snapshot: Snapshot): Work
  /** Notes that both sides agree. */
  noteAgreed(report: Report): Work
  /** Follows findings to this report. */
  follow(report: Report): Work
  /** Keeps a finding out of sight. */
  suppress(report: Report, finding: string, owner: string, reason: string, until: number): Work
  /** Ends a suppression. */
  unsuppress(report: Report, finding: string, by: string): Work
  /** Keeps a plan. */
  keepPlan(plan: Plan): Work
  /** A plan that was kept. */
  plan(digest: string): Work
  /** Keeps a decision. */
  keepDecision(decision: Decision): Work
  /** Keeps a grant. */
  keepGrant(grant: Grant): Work
  /** Signs the log's head. */
  checkpoint(key: Key): Work
  /** The evidence pack of a run. */
  evidence(run: string, files: Array<EvidenceFile>, key: Key): Work
  /** Runs that have not ended. */
  openRuns(): Work
  /** What a person says became of a change. */
  answerFor(run: string, place: number, tookPlace: boolean, by: string, reason: string): Work
  /** Carries a plan out with its grant, or takes a run up again. */
  run(start: RunStart, targets: Array<RunTarget>): Run
}

/** Columns that can be taken out as often as anybody likes. */
export declare class Table {
  /** How many rows there are. */
  rows(): number
  /** The names of the columns. */
  columnNames(): Array<string>
  /** Some rows, as JSON: a list a column. */
  cells(start: number, count: number): string
  /** Arrow IPC bytes, of the streaming format. */
  ipc(): Work
}

/** A plan that undoes another. */
export declare class Undoing {
  /** The plan. */
  plan(): Plan
  /** The places of changes that cannot be undone, as JSON. */
  irreversible(): string
}

/** Work that goes on in the background, without holding up the event loop. */
export declare class Work {
  /**
   * What comes of it: `value`, or `failure` with the exception of a connector as its `cause`.
   * To be asked once.
   */
  outcome(): Promise<{ value?: unknown; failure?: string; cause?: unknown; [beside: string]: unknown }>
  /** Asks it to stop; it is over soon after. */
  cancel(): void
  /** How far it is, where it said so since the last call. */
  progress(): Progress | null
}

/** An answer that nobody vouches for yet. */
export declare function answer(question: string, answer: string, approver: string, now: number): string

/** The answer, vouched for by the host. */
export declare function attest(answer: string, host: string): string

/** Checks every promise; `post` is called with `make`, once a promise, and with `break` and `change`. */
export declare function conformance(post: (call: Call) => void): Work

/** The names of every kind of error. */
export declare function kinds(): Array<string>

/** Why an answer counts for nothing, if so. */
export declare function refusal(question: string, answer: string, before: string, keys: string, now: number): string | null

/** The answer, signed. */
export declare function sign(answer: string, key: Key): Work

/** An evidence pack with one more signature. */
export declare function signEvidence(pack: Uint8Array, key: Key): Work

/** How a question stands, and the grant where all said yes who must. */
export declare function standing(question: string, answers: string, keys: string, now: number): Granted

/** What the record as it is now means for a change; both as JSON. */
export declare function standingOf(change: string, record: string): string

/** What an evidence pack shows. */
export declare function verifyEvidence(pack: Uint8Array, trust: string, saved?: string | undefined | null): Work

/** The version of the library. */
export declare function version(): string
