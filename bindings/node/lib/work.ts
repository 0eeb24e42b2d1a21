import { TrueupError, failed, guard, wrongType } from "./errors.js";
import native = require("../trueup.node");

/** How far work is: what it is doing, the rows done, and the rows in all where that is known. */
export interface Progress {
  readonly stage: string;
  readonly done: number;
  readonly total?: number;
}

/** What every call that may take a while takes. */
export interface WorkOptions {
  /** Cancels the work: it ends soon after with an error of the code `cancelled`. */
  readonly signal?: AbortSignal | undefined;
  /** Is told how far the work is, a few times a second. */
  readonly progress?: ((progress: Progress) => void) | undefined;
}

/** Between two looks at the progress, in milliseconds. */
const PULSE = 50;

/**
 * Work that goes on in the background: a promise of what comes of it, which can be watched and cancelled.
 *
 * ```js
 * const work = reconcile(expected, actual, { key: "id" });
 * for await (const { stage, done } of work.progress()) console.log(stage, done);
 * const report = await work;
 * ```
 */
export class Work<T> implements Promise<T> {
  readonly [Symbol.toStringTag]: string = "Work";
  readonly #promise: Promise<T>;
  readonly #stop = new AbortController();
  #native: native.Work | undefined;
  #over = false;

  /** Not for callers: work is what other functions give. */
  constructor(start: Start, take: (value: never, outcome: Outcome) => T, options: WorkOptions = {}) {
    const { signal, progress } = checked(options);
    this.#promise = this.#run(start, take, signal).finally(() => (this.#over = true));
    if (progress !== undefined) this.#tell(progress).catch(() => undefined);
  }

  /** Asks it to stop; it ends soon after, as cancelled, unless it is over anyway. */
  cancel(): void {
    this.#stop.abort();
    this.#native?.cancel();
  }

  /** Calls again and again until it is over, and once after that. */
  protected async *watch<P>(look: () => Iterable<P>): AsyncGenerator<P, void, void> {
    let over;
    do {
      over = this.#over;
      yield* look();
      if (!over) await Promise.race([pause(PULSE), this.#promise.catch(() => undefined)]);
    } while (!over);
  }

  /** How far it is, again and again until it is over. An error of the work is thrown by awaiting the work. */
  progress(): AsyncGenerator<Progress, void, void> {
    return this.watch(() => {
      const step = this.#native?.progress();
      return step ? [step] : [];
    });
  }

  then<A = T, B = never>(
    fulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    rejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#promise.then(fulfilled, rejected);
  }

  catch<B = never>(rejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<T | B> {
    return this.#promise.catch(rejected);
  }

  finally(done?: (() => void) | null): Promise<T> {
    return this.#promise.finally(done);
  }

  async #run(start: Start, take: (value: never, outcome: Outcome) => T, signal: AbortSignal | undefined): Promise<T> {
    if (signal?.aborted) throw aborted(signal);
    const cancel = (): void => this.cancel();
    signal?.addEventListener("abort", cancel, { once: true });
    try {
      const work = (this.#native = await guard(() => start(this.#stop.signal)));
      // It may have been cancelled while it was being started.
      if (this.#stop.signal.aborted) work.cancel();
      const outcome: Outcome = await work.outcome();
      if (outcome.failure === undefined) return take(outcome.value as never, outcome);
      throw failed(outcome.failure, outcome.cause);
    } catch (error) {
      throw error instanceof TrueupError && error.code === "cancelled" && signal?.aborted ? aborted(signal) : error;
    } finally {
      signal?.removeEventListener("abort", cancel);
    }
  }

  async #tell(progress: (progress: Progress) => void): Promise<void> {
    try {
      for await (const step of this.progress()) progress(step);
    } catch (error) {
      this.cancel();
      throw error;
    }
  }
}

/** Begins work; `signal` aborts where it is cancelled before it has begun. */
type Start = (signal: AbortSignal) => native.Work | Promise<native.Work>;

/** What comes of native work. */
type Outcome = Awaited<ReturnType<native.Work["outcome"]>>;

/** Work whose value is taken as it is. */
export function work<T>(start: Start, options?: WorkOptions): Work<T> {
  return new Work<T>(start, (value: T) => value, options);
}

function checked(options: WorkOptions): WorkOptions {
  const { signal, progress } = options;
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw wrongType("signal", "an AbortSignal", signal);
  if (progress !== undefined && typeof progress !== "function") throw wrongType("progress", "a function", progress);
  return options;
}

function aborted(signal: AbortSignal): TrueupError {
  return new TrueupError("cancelled", "the work was cancelled", { cause: signal.reason });
}

/** Keeps no process running. */
function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds).unref());
}
