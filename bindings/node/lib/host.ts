import { bridge, meaning, type Answer, type CallContext, type Post } from "./bridge.js";
import { encode, tagged, untagged, type Value } from "./data.js";
import { TrueupError, guard, nameOf } from "./errors.js";
import { prepare, type Records } from "./records.js";
import type { Field } from "./rows.js";
import type { Consistency, Coverage } from "./snapshot.js";
import { Table } from "./table.js";
import { camel, snake } from "./words.js";
import native = require("../trueup.node");

/**
 * How sending a change twice is kept from having two effects: the target takes {@link Change.idempotencyKey}; it checks
 * version or values before; after so many seconds it shows what happened; or none of these, and a person is asked.
 */
export type Idempotency = "key" | "conditional" | { readonly read_back: number } | "at_most_once";

/** One resource of a connector. One that says something of `idempotency`, for all operations or by operation, is written. */
export interface ResourceDescription {
  readonly name: string;
  readonly fields: readonly Field[];
  readonly idempotency?: Idempotency | { readonly [operation: string]: Idempotency };
  /** What can be done with its records beside creating, updating and deleting them. */
  readonly actions?: readonly string[];
}

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
  readonly resources: readonly ResourceDescription[];
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

/** What is no longer there: the values of its key, or the target's own identifier. */
export type Removed = { readonly key: readonly Value[] } | { readonly id: string };

/** One page of records, as a connector gives it. */
export interface Page {
  /** Rows as objects, Arrow IPC bytes, or a table of another connector's page. */
  readonly records: Records | Table;
  /** Where the next page is; null after the last. */
  readonly next?: string | null | undefined;
  /** On the last page: the token a later delta goes on from. */
  readonly resume?: string | null | undefined;
  /** In a delta: what is gone. */
  readonly removed?: readonly Removed[] | undefined;
  /** What the whole reading covers, as far as this page can tell. */
  readonly coverage?: Coverage | undefined;
}

/**
 * What became of one change, made by the functions that are called like its states; or the state alone, as text.
 *
 * ```js
 * return changes.map((change) => (taken(change) ? Receipt.done({ version: "2" }) : "stale"));
 * ```
 */
export interface Receipt {
  readonly state: "done" | "pending" | "stale" | "refused" | "failed" | "unknown";
  readonly id?: string | null | undefined;
  readonly version?: string | null | undefined;
  readonly handle?: string | undefined;
  readonly checkAfter?: number | undefined;
  readonly message?: string | undefined;
  readonly kind?: string | undefined;
  readonly retryAfter?: number | undefined;
}

/** Makes receipts. */
export const Receipt = {
  /** It took place; with the target's identifier and version of the record, where it gave them. */
  done: (record: { readonly id?: string; readonly version?: string } = {}): Receipt => ({ state: "done", ...record }),
  /** The target works on it; `status` is asked with this handle, after so many seconds. */
  pending: (handle: string, { checkAfter = 1 }: { readonly checkAfter?: number } = {}): Receipt => ({
    state: "pending",
    handle,
    checkAfter,
  }),
  /** Its precondition no longer holds; it was not carried out. */
  stale: (): Receipt => ({ state: "stale" }),
  /** It was not sent. */
  refused: (why: unknown): Receipt => ({ state: "refused", ...reason(why) }),
  /** The target said no; nothing was changed. */
  failed: (why: unknown): Receipt => ({ state: "failed", ...reason(why) }),
  /** Whether it took place is not known. */
  unknown: (why: unknown): Receipt => ({ state: "unknown", ...reason(why) }),
} as const;

/** One write that a decision allows: what a connector's `apply` gets, in the order of the plan. */
export class Change {
  readonly resource!: string;
  /** `create`, `update`, `delete`, or the name of an action. */
  readonly operation!: string;
  /** The values of the key before the change. */
  readonly key: Readonly<Record<string, Value>>;
  readonly id!: string | null;
  readonly version!: string | null;
  /** The values it has now, as far as they are known: the precondition. */
  readonly before: Readonly<Record<string, Value>>;
  /** The values it is to have; a key field among them renames the record. */
  readonly after: Readonly<Record<string, Value>>;
  /** Unlike every other change's, and the same whenever this change is sent again. */
  readonly idempotencyKey!: string;

  /** Not for callers: `apply` gets changes. */
  constructor(said: object) {
    const change = camel<Change>(said);
    Object.assign(this, change);
    this.key = values(change.key);
    this.before = values(change.before);
    this.after = values(change.after);
  }

  /**
   * What the record as it is now (null where there is none) means for the change: whether its precondition holds, it took
   * place already, or somebody else changed the record. Values are compared exactly.
   */
  standing(record: Readonly<Record<string, Value>> | null | undefined): "holds" | "already" | "stale" {
    const named = (fields: Readonly<Record<string, Value>>): Record<string, unknown> =>
      Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, tagged(value, name)]));
    const change = encode({ ...this, key: {}, before: named(this.before), after: named(this.after) }, "change");
    const now = encode(record ? named(record) : null, "record");
    return guard(() => native.standingOf(change, now)) as "holds" | "already" | "stale";
  }
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
  /**
   * Carries out changes: one receipt a change, in their order. A change that fails is a receipt, and the others go on;
   * an exception means that nothing is known of any change in the call. Only the executor calls it.
   */
  apply?(changes: readonly Change[], context: CallContext): readonly GivenReceipt[] | PromiseLike<readonly GivenReceipt[]>;
  /** What became of a change that was pending. */
  status?(handle: string, context: CallContext): GivenReceipt | PromiseLike<GivenReceipt>;
}

/** A receipt, or its state alone. */
export type GivenReceipt = Receipt | "done" | "stale" | "refused" | "failed" | "unknown";

/** What the native half calls a connector's object by. */
export function post(connector: ConnectorLike): Post {
  return bridge({
    describe: async (_, context) => ({ said: await connector.describe(context) }),
    // A connector with nothing to check need not say so.
    check: async (_, context) => {
      await connector.check?.(context);
      return {};
    },
    readPage: async (request, context) => page(await connector.readPage(request as ReadRequest, context)),
    apply: async (changes, context) => {
      if (typeof connector.apply !== "function") throw new TypeError("the connector has no `apply`");
      const receipts: unknown = await connector.apply((changes as object[]).map((said) => new Change(said)), context);
      if (!Array.isArray(receipts)) throw new TypeError(`\`apply\` gives an array of receipts, not ${nameOf(receipts)}`);
      return { said: receipts.map(receipt) };
    },
    status: async (handle, context) => {
      if (typeof connector.status !== "function") {
        throw new TrueupError("not_found", `there is no pending change \`${String(handle)}\``);
      }
      return { said: receipt(await connector.status(handle as string, context)) };
    },
  });
}

async function page(page: Page): Promise<Answer> {
  if (typeof page !== "object" || page === null || page.records === undefined) {
    throw new TypeError(`\`readPage\` gives a page with \`records\`, not ${nameOf(page)}`);
  }
  const { records, removed, ...said } = page;
  const gone = removed?.map((one) => ("key" in one ? { key: one.key.map((value) => tagged(value, "removed")) } : one));
  const given = records instanceof Table ? await records.toIPC() : records;
  return { said: { ...said, removed: gone }, records: [prepare(given, "records")] };
}

function receipt(given: unknown): unknown {
  return typeof given === "object" && given !== null ? snake(given) : given;
}

function values(said: Readonly<Record<string, unknown>>): Record<string, Value> {
  return Object.fromEntries(Object.entries(said).map(([name, value]) => [name, untagged(value)]));
}

function reason(why: unknown): Pick<Receipt, "message" | "kind" | "retryAfter"> {
  if (typeof why === "string") return { message: why };
  if (!(why instanceof TrueupError)) return { message: meaning(why).message };
  return { message: why.message, kind: why.code, retryAfter: why.retryAfter ?? undefined };
}
