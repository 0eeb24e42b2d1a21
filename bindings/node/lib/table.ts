import { decode, untagged, type Row } from "./data.js";
import { guard } from "./errors.js";
import { Work, work, type WorkOptions } from "./work.js";
import native = require("../trueup.node");

/** How many rows are taken out at once; in between the event loop goes on. */
const STEP = 4096;

/**
 * A table of results: rows for `for await`, or Arrow IPC bytes for `tableFromIPC`, as often as you like. It is computed
 * when it is first asked for something.
 */
export class Table implements AsyncIterable<Row> {
  readonly #make: () => native.Table | Promise<native.Table>;
  #native: Promise<native.Table> | undefined;

  private constructor(make: () => native.Table | Promise<native.Table>) {
    this.#make = make;
  }

  /** @internal */
  static of(make: () => native.Table | Promise<native.Table>): Table {
    return new Table(make);
  }

  /** @internal */
  static from(start: () => native.Work): Table {
    return new Table(() => work<native.Table>(start).then((table) => table));
  }

  /** How many rows there are. */
  async count(): Promise<number> {
    return (await this.#table()).rows();
  }

  /** The names of the columns. */
  async columnNames(): Promise<string[]> {
    return (await this.#table()).columnNames();
  }

  /** All rows as objects. */
  async toRows(): Promise<Row[]> {
    const rows: Row[] = [];
    for await (const page of this.pages()) rows.push(...page);
    return rows;
  }

  /** The first rows as objects. */
  async head(count = 10): Promise<Row[]> {
    return rowsOf(await this.#table(), 0, count);
  }

  /** The rows, some at a time. */
  async *pages(size: number = STEP): AsyncGenerator<Row[], void, void> {
    const table = await this.#table();
    for (let start = 0; start < table.rows(); start += size) {
      yield rowsOf(table, start, size);
      await turn();
    }
  }

  /** Arrow IPC bytes, of the streaming format. */
  toIPC(options?: WorkOptions): Work<Uint8Array> {
    return work(async () => (await this.#table()).ipc(), options);
  }

  /** The rows one by one. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Row, void, void> {
    for await (const page of this.pages()) yield* page;
  }

  async #table(): Promise<native.Table> {
    // What failed may be asked for again.
    this.#native ??= Promise.resolve(this.#make()).catch((error: unknown) => {
      this.#native = undefined;
      throw error;
    });
    return this.#native;
  }
}

function rowsOf(table: native.Table, start: number, count: number): Row[] {
  const names = table.columnNames();
  const columns = decode<unknown[][]>(guard(() => table.cells(start, count)));
  const rows: Row[] = Array.from({ length: Math.max(Math.min(count, table.rows() - start), 0) }, () => ({}));
  names.forEach((name, at) => {
    const cells = columns[at] ?? [];
    rows.forEach((row, place) => (row[name] = untagged(cells[place])));
  });
  return rows;
}

/** Lets the event loop go on. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
