import { wrongType } from "./errors.js";

/** What the native half says, with members named as in JavaScript; what stands inside them stays as it is. */
export function camel<T>(said: object): T {
  const name = (word: string): string => word.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return Object.fromEntries(Object.entries(said).map(([word, member]) => [name(word), member])) as T;
}

/** The other way around. */
export function snake(given: object): Record<string, unknown> {
  const name = (word: string): string => word.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return Object.fromEntries(Object.entries(given).map(([word, member]) => [name(word), member]));
}

/** The same object, with `Date` for the milliseconds of these members. */
export function dated<T>(said: object, ...members: (keyof T)[]): T {
  const moments = members.map((member) => [member, (said as T)[member]] as const);
  const dates = moments.filter(([, at]) => typeof at === "number").map(([member, at]) => [member, new Date(at as number)]);
  return { ...(said as T), ...(Object.fromEntries(dates) as object) };
}

/** A moment as the native half has it. */
export function millis(moment: Date, what: string): number {
  if (moment instanceof Date && !Number.isNaN(moment.getTime())) return moment.getTime();
  throw wrongType(what, "a valid Date", moment);
}
