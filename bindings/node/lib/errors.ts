/** What went wrong, said so that the caller can act on it; the same words in every language. */
export type Kind =
  | "invalid"
  | "data"
  | "incompatible"
  | "not_found"
  | "unauthenticated"
  | "forbidden"
  | "unavailable"
  | "throttled"
  | "conflict"
  | "unsupported"
  | "cancelled"
  | "limit"
  | "protocol"
  | "unknown"
  | "internal";

/** What an error says beside its message. */
export interface ErrorDetails {
  /** What led to it: for a connector's exception, that exception with its own stack. */
  readonly cause?: unknown;
  /** Where it happened, as name and value. */
  readonly context?: Readonly<Record<string, string>>;
  /** Whether the same call may be made again. */
  readonly retry?: boolean;
  /** After how many seconds at the earliest, where the system said so. */
  readonly retryAfter?: number | null;
}

/**
 * Every error of trueup. `code` is its kind and stable; the message says what happened, where, and what to do next.
 *
 * A connector throws it too, to say what its system's failure means: `new TrueupError("throttled", "too many calls")`.
 */
export class TrueupError extends Error {
  readonly code: Kind;
  readonly context: Readonly<Record<string, string>>;
  readonly retry: boolean;
  readonly retryAfter: number | null;

  constructor(code: Kind, message: string, details: ErrorDetails = {}) {
    super(message, "cause" in details ? { cause: details.cause } : undefined);
    this.code = code;
    this.context = details.context ?? {};
    this.retry = details.retry ?? false;
    this.retryAfter = details.retryAfter ?? null;
  }

  static {
    this.prototype.name = "TrueupError";
  }
}

/** What the native half says of an error: see `src/errors.rs`. */
interface Failure extends Omit<ErrorDetails, "cause"> {
  readonly kind: Kind;
  readonly message: string;
}

const MARK = "trueup:";

/** The error that the native half tells of; `holder` keeps the exception that led to it. */
export function failed(said: string, holder?: unknown): TrueupError {
  const { kind, message, ...details } = JSON.parse(said) as Failure;
  const cause = isHolder(holder) ? { cause: holder.exception } : {};
  return new TrueupError(kind, message, { ...details, ...cause });
}

/** Calls the native half; what it throws becomes an error of ours. */
export function guard<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    if (error instanceof Error && error.message.startsWith(MARK)) throw failed(error.message.slice(MARK.length));
    throw error;
  }
}

/** An argument of a wrong type, named. */
export function wrongType(what: string, wanted: string, given: unknown): TypeError {
  return new TypeError(`\`${what}\` must be ${wanted}, not ${nameOf(given)}`);
}

/** What a value is called in a message. */
export function nameOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value !== "object") return `a ${typeof value}`;
  if (Array.isArray(value)) return "an array";
  const name = (Object.getPrototypeOf(value) as { constructor?: { name?: string } } | null)?.constructor?.name;
  return name === undefined || name === "Object" ? "an object" : `a ${name}`;
}

function isHolder(value: unknown): value is { exception: unknown } {
  return typeof value === "object" && value !== null && "exception" in value;
}
