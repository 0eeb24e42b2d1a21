import type { CallContext, ConnectorLike, Page, ReadRequest } from "./connector.js";
import { decode, encode } from "./data.js";
import { TrueupError, nameOf, type Kind } from "./errors.js";
import { prepare } from "./records.js";
import { Table } from "./table.js";
import native = require("../trueup.node");

/** What the native half calls a connector by. Whatever the connector throws is caught and goes back as an answer. */
export function bridge(connector: ConnectorLike): (call: native.Call) => void {
  const running = new Map<number, AbortController>();
  return (call) => {
    if (call.method === "cancel") {
      running.get(call.number)?.abort();
      return;
    }
    const controller = new AbortController();
    running.set(call.number, controller);
    void answer(connector, call, controller).finally(() => running.delete(call.number));
  };
}

async function answer(connector: ConnectorLike, call: native.Call, { signal }: AbortController): Promise<void> {
  try {
    if (call.method === "readPage") {
      await answerPage(connector, call, { signal });
    } else if (call.method === "describe") {
      call.answer(encode(await connector.describe({ signal }), "describe()"));
    } else {
      // A connector with nothing to check need not say so.
      await connector.check?.({ signal });
      call.answer("null");
    }
  } catch (exception) {
    const { kind, message, retryAfter } = meaning(exception);
    call.fail(kind, message, retryAfter, { exception });
  }
}

async function answerPage(connector: ConnectorLike, call: native.Call, context: CallContext): Promise<void> {
  const page: Page = await connector.readPage(decode<ReadRequest>(call.request), context);
  if (typeof page !== "object" || page === null || page.records === undefined) {
    throw new TypeError(`\`readPage\` gives a page with \`records\`, not ${nameOf(page)}`);
  }
  const { records, ...said } = page;
  const given = records instanceof Table ? await records.toIPC() : records;
  call.answer(encode(said, "readPage()"), prepare(given, "records"));
}

interface Meaning {
  readonly kind: Kind;
  readonly message: string;
  readonly retryAfter: number | undefined;
}

/** What an exception means to the caller. A thrown value may be anything, even one that throws when it is looked at. */
function meaning(exception: unknown): Meaning {
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
