"""trueup makes two systems agree, and proves it.

>>> import trueup as tu
>>> report = tu.reconcile(
...     [{"id": 1, "site": "Bern"}, {"id": 2, "site": "Rome"}],
...     [{"id": 1, "site": "Berne"}, {"id": 3, "site": "Oslo"}],
...     key="id", name="sites")
>>> print(report.counts)
matched 0, missing 1, unexpected 1, changed 1
>>> for row in report.findings:
...     print(row["kind"], row["id"], row["field"], row["expected"], row["actual"])
changed 1 site Bern Berne
missing 2 None None None
unexpected 3 None None None
"""

from __future__ import annotations

import atexit as _atexit

from . import _native
from ._approvals import Approval, Grant, Key, Question, Standing
from ._conformance import Subject, Truth, conformance
from ._connector import (
    Change,
    Connector,
    ConnectorLike,
    Delta,
    Files,
    Page,
    Postgres,
    ReadRequest,
    Receipt,
    Recording,
    Sqlite,
    check,
    check_async,
    describe,
    describe_async,
    layered,
    read,
    read_async,
    read_delta,
    read_delta_async,
    record,
    replay,
)
from ._errors import (
    CancelledError,
    ConflictError,
    DataError,
    Error,
    ForbiddenError,
    IncompatibleError,
    InternalError,
    InvalidError,
    LimitError,
    NotFoundError,
    ProtocolError,
    ThrottledError,
    UnauthenticatedError,
    UnavailableError,
    UnknownError,
    UnsupportedError,
)
from ._executor import ChangeReport, Executor, Run, RunReport
from ._guard import BreakGlass, Decision, Opening, Policy, PolicyGate, Reasons, Request, Review
from ._plan import Effect, Plan, PlannedChange, Rollback
from ._reconcile import Incremental, Reconciliation, reconcile, reconcile_async
from ._report import Counts, Drift, Explanation, Input, Inputs, Report, drift
from ._rules import (
    Rule,
    alias,
    default,
    exact,
    ignore,
    owner,
    set,
    subset,
    text,
    time_tolerance,
    tolerance,
    zone,
)
from ._snapshot import Snapshot, Table
from ._store import Followed, Store, Tracked, Verdict, sign_evidence, verify_evidence

__version__ = _native.version()

# Work that still goes on when the interpreter ends would find no Python to come back to.
_atexit.register(_native.stop, 2.0)

__all__ = [
    "Approval",
    "BreakGlass",
    "CancelledError",
    "Change",
    "ChangeReport",
    "ConflictError",
    "Connector",
    "ConnectorLike",
    "Counts",
    "DataError",
    "Decision",
    "Delta",
    "Drift",
    "Effect",
    "Error",
    "Executor",
    "Explanation",
    "Files",
    "Followed",
    "ForbiddenError",
    "Grant",
    "IncompatibleError",
    "Incremental",
    "Input",
    "Inputs",
    "InternalError",
    "InvalidError",
    "Key",
    "LimitError",
    "NotFoundError",
    "Opening",
    "Page",
    "Plan",
    "PlannedChange",
    "Policy",
    "PolicyGate",
    "Postgres",
    "ProtocolError",
    "Question",
    "ReadRequest",
    "Reasons",
    "Receipt",
    "Reconciliation",
    "Recording",
    "Report",
    "Request",
    "Review",
    "Rollback",
    "Rule",
    "Run",
    "RunReport",
    "Snapshot",
    "Sqlite",
    "Standing",
    "Store",
    "Subject",
    "Table",
    "ThrottledError",
    "Tracked",
    "Truth",
    "UnauthenticatedError",
    "UnavailableError",
    "UnknownError",
    "UnsupportedError",
    "Verdict",
    "alias",
    "check",
    "check_async",
    "conformance",
    "default",
    "describe",
    "describe_async",
    "drift",
    "exact",
    "ignore",
    "layered",
    "owner",
    "read",
    "read_async",
    "read_delta",
    "read_delta_async",
    "reconcile",
    "reconcile_async",
    "record",
    "replay",
    "set",
    "sign_evidence",
    "subset",
    "text",
    "time_tolerance",
    "tolerance",
    "verify_evidence",
    "zone",
]
