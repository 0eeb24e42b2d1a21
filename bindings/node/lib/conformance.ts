import { bridge, type Answer } from "./bridge.js";
import { checked } from "./connector.js";
import { decode } from "./data.js";
import { TrueupError, wrongType } from "./errors.js";
import { post, type ConnectorLike, type ResourceDescription } from "./host.js";
import { prepare, type Records } from "./records.js";
import { Work, type WorkOptions } from "./work.js";
import native = require("../trueup.node");

/** All records of each resource, as somebody knows them who did not use the connector. */
export type Truth = { readonly [resource: string]: Records };

/**
 * A connector under test, and the truth about its source. Give it two resources, one of them with more records than fit on
 * a page, and one without records if there can be such a one. The system behind must be one that exists for the test.
 */
export interface Subject {
  readonly connector: ConnectorLike;
  readonly truth: Truth;
  /** A resource that may be written, and at least four records of it that are not there and can be made. */
  readonly writes?: { readonly resource: string; readonly records: Records } | undefined;
  /** Breaks the source, so that it cannot be read any more; none where that cannot happen. */
  readonly breakSource?: (() => unknown) | undefined;
  /** Changes the source, and gives the new truth; a connector that claims deltas must have it. */
  readonly changeSource?: (() => Truth | PromiseLike<Truth>) | undefined;
}

/**
 * Checks every promise of the contract on a connector; `make` makes it afresh for each. Gives the names of the promises,
 * all kept; else throws with the code `protocol`, and says every promise that is broken, and how.
 */
export function conformance(make: () => Subject | PromiseLike<Subject>, options: WorkOptions = {}): Work<string[]> {
  if (typeof make !== "function") throw wrongType("make", "a function that makes a subject", make);
  const start = (): native.Work => native.conformance(suite(make, options.signal));
  const take = (text: string): string[] => decode<{ promise: string }[]>(text).map(({ promise }) => promise);
  return new Work(start, take, options);
}

function suite(make: () => Subject | PromiseLike<Subject>, signal: AbortSignal | undefined): ReturnType<typeof bridge> {
  let subject: Subject;
  let fields: ReadonlyMap<string, ResourceDescription["fields"]>;
  return bridge({
    make: async () => {
      if (signal?.aborted) throw new TrueupError("cancelled", "the suite was cancelled");
      subject = await make();
      const { resources } = await checked(subject.connector).describe({ signal: signal ?? new AbortController().signal });
      fields = new Map(resources.map((resource) => [resource.name, resource.fields]));
      return given(subject, fields);
    },
    break: async () => {
      await subject.breakSource?.();
      return {};
    },
    change: async () => told((await subject.changeSource?.()) ?? {}, fields),
  });
}

function given({ connector, truth, writes, breakSource, changeSource }: Subject, fields: Fields): Answer {
  const { said, records } = told(truth, fields);
  const fresh = writes === undefined ? [] : [prepared(writes.resource, writes.records, fields)];
  const more = { writes: writes?.resource, breaks: breakSource !== undefined, changes: changeSource !== undefined };
  return { said: { ...said, ...more }, records: [...records, ...fresh], host: post(connector) };
}

function told(truth: Truth, fields: Fields): { said: { truth: string[] }; records: native.Records[] } {
  const records = Object.entries(truth).map(([name, records]) => prepared(name, records, fields));
  return { said: { truth: Object.keys(truth) }, records };
}

type Fields = ReadonlyMap<string, ResourceDescription["fields"]>;

/** Records for the native half; rows have the fields of their resource. */
function prepared(name: string, records: Records, fields: Fields): native.Records {
  return prepare(records, name, Array.isArray(records) ? fields.get(name) : undefined);
}
