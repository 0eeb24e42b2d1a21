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
export { Transferred, transfer, type Records } from "./records.js";
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
export {
  Approval,
  Grant,
  Key,
  Question,
  type Answering,
  type Judging,
  type Keys,
  type Standing,
} from "./approvals.js";
export {
  BreakGlass,
  Decision,
  Policy,
  PolicyGate,
  type Opening,
  type Outcome,
  type Reasons,
  type Request,
  type Review,
} from "./guard.js";
export {
  Connector,
  Files,
  Postgres,
  Sqlite,
  check,
  describe,
  layered,
  pages,
  read,
  readDelta,
  record,
  replay,
  type Delta,
  type FileSettings,
  type Layers,
  type PageRead,
  type ReadOptions,
  type Recording,
  type RetrySchedule,
  type SqlOptions,
  type SqlResource,
} from "./connector.js";
export type { CallContext } from "./bridge.js";
export {
  Change,
  Receipt,
  type ConnectorLike,
  type Description,
  type GivenReceipt,
  type Idempotency,
  type Page,
  type ReadRequest,
  type Removed,
  type ResourceDescription,
} from "./host.js";
export { conformance, type Subject, type Truth } from "./conformance.js";
export {
  Store,
  signEvidence,
  verifyEvidence,
  type EvidenceFile,
  type Followed,
  type Forgetting,
  type Forgotten,
  type KeptGrant,
  type KeptReview,
  type LogEntry,
  type Reading,
  type Scope,
  type StoreOptions,
  type Tracked,
  type Trust,
  type Verdict,
} from "./store.js";
export {
  Executor,
  Run,
  type ChangeReport,
  type Execution,
  type ExecutorSettings,
  type RunEvent,
  type RunReport,
} from "./executor.js";

/** The version of the library. */
export const version: string = native.version();
