// Notes in a JSON file, as a system that trueup reads and writes.
import { createHash } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";

import { Connector, Receipt, TrueupError } from "trueup";

const PAGE = 20;
const FIELDS = [
  { name: "name", type: "text", role: "key", writable: true },
  { name: "text", type: "text", writable: true },
  { name: "stars", type: "int", writable: true },
];
const RESOURCES = ["notes", "archive"];

/** Two lists of notes in one JSON file: `notes`, which may be written, and `archive`, which may not. */
export class Notes extends Connector {
  #path;
  /** The end of the last write: one at a time, so that the check of a precondition and the effect are one step. */
  #last = Promise.resolve();

  constructor(path) {
    super();
    this.#path = path;
  }

  describe() {
    const notes = { name: "notes", fields: FIELDS, idempotency: "conditional" };
    return {
      system: "notes",
      instance: this.#path,
      capability: { page_size: true },
      resources: [notes, { name: "archive", fields: FIELDS }],
    };
  }

  async check() {
    await this.#load();
  }

  async readPage({ resource, cursor, pageSize }) {
    if (!RESOURCES.includes(resource)) {
      throw new TrueupError("not_found", `there is no resource \`${resource}\`; there are ${RESOURCES.join(", ")}`);
    }
    const after = nameAfter(resource, cursor);
    const notes = (await this.#load())[resource];
    // The cursor is the last name that was read, so that notes made meanwhile move nothing.
    const rest = [...notes.values()].filter(({ name }) => name > after).sort((a, b) => (a.name < b.name ? -1 : 1));
    const records = rest.slice(0, pageSize ?? PAGE);
    return { records, next: rest.length > records.length ? cursorOf(resource, records.at(-1).name) : null };
  }

  async apply(changes) {
    const receipts = [];
    for (const change of changes) receipts.push(await this.#alone(() => this.#change(change)));
    return receipts;
  }

  async #change(change) {
    const everything = await this.#load();
    const notes = everything[change.resource];
    const { name } = change.key;
    const standing = change.standing(notes.get(name));
    if (standing === "already") return Receipt.done();
    const renamed = change.after.name ?? name;
    if (standing === "stale" || (renamed !== name && notes.has(renamed))) return Receipt.stale();
    // JSON has no exact whole numbers beyond 2^53: better not written than written as another.
    if (Object.values(change.after).some((value) => typeof value === "bigint")) {
      return Receipt.failed("a note holds whole numbers up to 2^53");
    }
    const note = notes.get(name) ?? { name, text: null, stars: null };
    notes.delete(name);
    if (change.operation !== "delete") notes.set(renamed, { ...note, ...change.after });
    await this.#save(everything);
    return Receipt.done();
  }

  #alone(work) {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #load() {
    let text;
    try {
      text = await readFile(this.#path, "utf8");
    } catch (cause) {
      throw new TrueupError("unavailable", `the notes cannot be read: ${cause.message}`, { cause });
    }
    try {
      const said = JSON.parse(text);
      const byName = (resource) => new Map(said[resource].map((note) => [note.name, note]));
      return Object.fromEntries(RESOURCES.map((resource) => [resource, byName(resource)]));
    } catch (cause) {
      throw new TrueupError("data", `\`${this.#path}\` holds no notes: ${cause.message}`, { cause });
    }
  }

  /** Writes beside the file and puts it in its place, so that nobody ever sees half of it. */
  async #save(everything) {
    const said = Object.entries(everything).map(([resource, notes]) => [resource, [...notes.values()]]);
    await writeFile(`${this.#path}.new`, JSON.stringify(Object.fromEntries(said)));
    await rename(`${this.#path}.new`, this.#path);
  }
}

/** Where the page after this name begins; with a checksum, so that a cursor of somebody else is found out. */
function cursorOf(resource, name) {
  const checksum = createHash("sha256").update(`${resource}:${name}`).digest("hex").slice(0, 8);
  return `${checksum}:${name}`;
}

/** The name that a page begins after. */
function nameAfter(resource, cursor) {
  if (cursor === null) return "";
  const name = cursor.slice(cursor.indexOf(":") + 1);
  if (cursor === cursorOf(resource, name)) return name;
  throw new TrueupError("invalid", `\`${cursor}\` is no cursor of \`${resource}\``);
}
