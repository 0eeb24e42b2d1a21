/**
 * trueup makes two systems agree, and proves it.
 *
 * @packageDocumentation
 */

import native = require("../trueup.node");

export { TrueupError, type ErrorDetails, type Kind } from "./errors.js";
export type { Row, RowLike, Value } from "./data.js";
export type { Field, Role, Schema } from "./rows.js";
export { Work, type Progress, type WorkOptions } from "./work.js";
export type { Records } from "./records.js";
export {
  Rule,
  alias,
  defaultValue,
  exact,
  ignore,
  owner,
  set,
  subset,
  text,
  timeTolerance,
  tolerance,
  zone,
  type Amount,
  type Owner,
} from "./rules.js";
export { Table } from "./table.js";
export {
  Snapshot,
  type Consistency,
  type Coverage,
  type Provenance,
  type SnapshotFacts,
} from "./snapshot.js";
export {
  Drift,
  Report,
  drift,
  type Counts,
  type DriftCounts,
  type Explanation,
  type FindingKind,
  type Input,
  type Side,
} from "./report.js";
export {
  Incremental,
  Reconciliation,
  reconcile,
  type ReconciliationOptions,
  type RunOptions,
  type SideMapping,
} from "./reconcile.js";
export { Plan, Planner, type Effect, type PlanOptions, type PlannedChange, type ProposedChange } from "./plan.js";
export { Policy, type Decision, type Outcome, type Question, type Reasons } from "./guard.js";
export {
  Connector,
  Files,
  Postgres,
  Sqlite,
  check,
  describe,
  pages,
  read,
  type CallContext,
  type ConnectorLike,
  type Description,
  type FileSettings,
  type Page,
  type PageRead,
  type ReadRequest,
  type SqlOptions,
  type SqlResource,
} from "./connector.js";

/** The version of the library. */
export const version: string = native.version();
