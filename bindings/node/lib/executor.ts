import { Grant } from "./approvals.js";
import { opened, type RetrySchedule } from "./connector.js";
import { decode, encode } from "./data.js";
import { failed, guard, wrongType } from "./errors.js";
import { PolicyGate } from "./guard.js";
import type { ConnectorLike } from "./host.js";
import type { Effect, Plan } from "./plan.js";
import { Store } from "./store.js";
import { Work, work, type WorkOptions } from "./work.js";
import native = require("../trueup.node");

/** What became of one change. */
export interface ChangeReport {
  /** Its place in the plan. */
  readonly place: number;
  readonly state: "done" | "pending" | "stale" | "refused" | "failed" | "unknown" | (string & {});
  readonly attempts: number;
  readonly id: string | null;
  readonly version: string | null;
  /** Whether it was found in the target when that was read back; null where nobody looked. */
  readonly verified: boolean | null;
  /** What went wrong, in words. */
  readonly error: string | null;
  /** What a connector's `apply` threw, with its own stack; undefined where it threw nothing. */
  readonly cause?: unknown;
}

/** What became of a run. */
export interface RunReport {
  /** The run's name. */
  readonly run: string;
  readonly status: "finished" | "stopped" | "cancelled" | "waiting" | (string & {});
  /** Why it stopped. */
  readonly reason: string | null;
  readonly counts: Readonly<
    Record<"total" | "done" | "pending" | "stale" | "refused" | "failed" | "unknown", number>
  >;
  /** Every change, in the order of the plan. */
  readonly changes: readonly ChangeReport[];
  /** The changes that took place: what {@link Plan.rollback} takes. */
  readonly effects: readonly Effect[];
  /** The places of changes of which nobody knows whether they took place: a person is asked. */
  readonly questions: readonly number[];
  /** All of it, in a line. */
  readonly text: string;
}

/** What happened in a run. */
export type RunEvent =
  | { readonly event: "started"; readonly run: string; readonly changes: number }
  | { readonly event: "change"; readonly place: number; readonly state: string }
  | { readonly event: "waiting"; readonly why: string; readonly seconds: number }
  | { readonly event: "wave_ended"; readonly wave: number }
  | { readonly event: "stopping"; readonly reason: string }
  | { readonly event: "ended"; readonly status: string };

/** What a run needs: what must say yes again, and the systems that the plan writes to, by side. */
export interface Execution extends WorkOptions {
  readonly gate: PolicyGate;
  readonly actual?: ConnectorLike | undefined;
  readonly expected?: ConnectorLike | undefined;
}

/** How an executor works; what is not given has a value that is good for most. */
export interface ExecutorSettings {
  /** How many calls of `apply` there may be at the same time. */
  readonly in_flight?: number;
  /** How many changes a call has at most. */
  readonly batch?: number;
  /** When a change that was not sent is sent again. */
  readonly retry?: RetrySchedule;
  /** The share and the number of failures that stop the run. */
  readonly error_share?: number;
  readonly error_count?: number;
  readonly lease_ms?: number;
  /** How long a pending change is asked after. */
  readonly pending_ms?: number;
  /** Whether what was written is read back. */
  readonly verify?: boolean;
  readonly clock_back_ms?: number;
}

/**
 * A run that goes on by itself: nobody need wait for it, or hold it. Cancelling it, also by a signal, makes it finish what
 * is under way and write that down; then it gives its report, with the status `cancelled`. No outcome is lost.
 */
export class Run extends Work<RunReport> {
  override readonly [Symbol.toStringTag]: string = "Run";
  readonly #held: { run?: native.Run };

  /** Not for callers: an {@link Executor} makes runs. */
  constructor(start: (signal: AbortSignal) => Promise<native.Run>, options: WorkOptions) {
    const held: { run?: native.Run } = {};
    const begin = async (signal: AbortSignal): Promise<native.Work> => (held.run = await start(signal)).work();
    super(begin, report, options);
    this.#held = held;
  }

  /** Its name, as soon as it has begun. */
  get id(): string | null {
    return this.#held.run?.id() ?? null;
  }

  /** What happens, until it is over: each change's state, waits, the end of waves and of the run. To be asked once. */
  events(): AsyncGenerator<RunEvent, void, void> {
    return this.watch(() => decode<RunEvent[]>(this.#held.run?.events() ?? "[]"));
  }
}

/**
 * Carries plans out. Nothing without a grant, nothing that is not on disk, and nothing twice. A change of unknown outcome
 * is settled as its target allows, or a person is asked.
 */
export class Executor {
  readonly #store: Store;
  readonly #settings: string;

  constructor(store: Store, settings: ExecutorSettings = {}) {
    if (!(store instanceof Store)) throw wrongType("store", "a Store", store);
    this.#store = store;
    this.#settings = encode(settings, "Executor");
  }

  /** Carries a plan out. */
  execute(plan: Plan, grant: Grant, options: Execution): Run {
    if (!(grant instanceof Grant)) throw wrongType("grant", "a Grant", grant);
    return this.#run({ plan: plan.native, grant: grant.native }, options);
  }

  /**
   * Takes a run up again: finds out what became of changes that may have been sent, and goes on with the rest. The plan is
   * taken from the store, but for one that writes secrets: hand that in again.
   */
  recover(run: string, { plan, ...options }: Execution & { readonly plan?: Plan | undefined }): Run {
    return this.#run(plan === undefined ? { run } : { run, plan: plan.native }, options);
  }

  /** Runs that have not ended: their process did, or they wait for pending changes. */
  openRuns(): Work<string[]> {
    return work(() => this.#store.native.openRuns());
  }

  /** What a person says became of a change that nobody knew about: whether it took place. */
  answer(
    run: string,
    place: number,
    tookPlace: boolean,
    { by, reason }: { readonly by: string; readonly reason: string },
  ): Work<void> {
    return work(() => this.#store.native.answerFor(run, place, tookPlace, by, reason));
  }

  #run(what: Pick<native.RunStart, "plan" | "grant" | "run">, { gate, actual, expected, ...options }: Execution): Run {
    if (!(gate instanceof PolicyGate)) throw wrongType("gate", "a PolicyGate", gate);
    const { policy, request, glass } = gate;
    const asked = { settings: this.#settings, policy: policy.native, request };
    const begin = { ...what, ...asked, ...(glass === undefined ? {} : { glass: glass.native }) };
    // The store may be closed before the systems are open.
    const store = guard(() => this.#store.native.held());
    const start = async (signal: AbortSignal): Promise<native.Run> => {
      try {
        const targets: native.RunTarget[] = [];
        for (const [side, connector] of Object.entries({ actual, expected })) {
          if (connector !== undefined) targets.push({ side, source: await opened(connector, signal) });
        }
        return guard(() => store.run(begin, targets));
      } finally {
        store.close();
      }
    };
    return new Run(start, options);
  }
}

function report(text: string, beside: object): RunReport {
  const said = decode<RunReport>(text);
  const { places, failures, causes } = beside as { places: number[]; failures: string[]; causes: unknown[] };
  const thrown = new Map(places.map((place, at) => [place, failed(failures[at] as string, causes[at])]));
  const changes = said.changes.map((change) => {
    const error = thrown.get(change.place);
    return error === undefined ? change : { ...change, cause: error.cause ?? error };
  });
  return { ...said, changes };
}
