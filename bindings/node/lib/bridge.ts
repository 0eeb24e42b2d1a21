import { decode, encode } from "./data.js";
import { TrueupError, type Kind } from "./errors.js";
import native = require("../trueup.node");

/** What a call from the engine comes with. */
export interface CallContext {
  /** Aborts when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** What a call is answered with: data; records that belong to it; and what calls a connector. */
export interface Answer {
  readonly said?: unknown;
  readonly records?: native.Records[];
  readonly host?: Post;
}

/** Called by the native half. */
export type Post = (call: native.Call) => void;

/** What answers calls, by the names of methods. */
export type Methods = Readonly<Record<string, (request: unknown, context: CallContext) => Answer | Promise<Answer>>>;

/** What the native half calls these methods by. Whatever they throw is caught and goes back as an answer. */
export function bridge(methods: Methods): Post {
  const running = new Map<number, Context>();
  return (call) => {
    const { method, number } = call;
    if (method === "cancel") {
      running.get(number)?.abort();
      return;
    }
    const context = new Context();
    running.set(number, context);
    void answer(methods, method, call, context).finally(() => running.delete(number));
  };
}

/** A context whose signal is made when somebody looks at it: that takes longer than the rest of a call. */
class Context implements CallContext {
  #controller: AbortController | undefined;
  #aborted = false;

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#aborted) this.#controller.abort();
    return this.#controller.signal;
  }

  abort(): void {
    this.#aborted = true;
    this.#controller?.abort();
  }
}

async function answer(methods: Methods, method: string, call: native.Call, context: CallContext): Promise<void> {
  try {
    const { request } = call;
    const answer = await methods[method]?.(request === "" ? undefined : decode(request), context);
    call.answer(encode(answer?.said ?? null, method), answer?.records, answer?.host);
  } catch (exception) {
    const { kind, message, retryAfter } = meaning(exception);
    call.fail(kind, message, retryAfter, { exception });
  }
}

interface Meaning {
  readonly kind: Kind;
  readonly message: string;
  readonly retryAfter: number | undefined;
}

/** What an exception means to the caller. A thrown value may be anything, even one that throws when it is looked at. */
export function meaning(exception: unknown): Meaning {
  try {
    if (isOurs(exception)) {
      return { kind: exception.code, message: exception.message, retryAfter: exception.retryAfter ?? undefined };
    }
    const message = `the connector threw \`${String(exception)}\``;
    return { kind: kindOf(exception), message, retryAfter: undefined };
  } catch {
    return { kind: "protocol", message: "the connector threw a value that cannot be shown", retryAfter: undefined };
  }
}

/** Also an error of another copy of this package. */
function isOurs(exception: unknown): exception is TrueupError {
  if (exception instanceof TrueupError) return true;
  const { name, code } = (exception ?? {}) as Partial<TrueupError>;
  return name === "TrueupError" && code !== undefined && native.kinds().includes(code);
}

/** Codes of Node and of `fetch` for systems that cannot be reached now. */
const UNREACHABLE = /^(ECONN|EHOST|ENET|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|UND_ERR_(SOCKET|.*TIMEOUT))/;

/** What Node's own errors mean; any other is a mistake in the connector. */
function kindOf(exception: unknown): Kind {
  const { name, code, cause } = (exception ?? {}) as { name?: unknown; code?: unknown; cause?: unknown };
  if (name === "AbortError") return "cancelled";
  if (name === "TimeoutError" || (typeof code === "string" && UNREACHABLE.test(code))) return "unavailable";
  const inner = (cause as { code?: unknown } | undefined)?.code;
  return typeof inner === "string" && UNREACHABLE.test(inner) ? "unavailable" : "protocol";
}
