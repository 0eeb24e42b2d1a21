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
from ._connector import (
    Connector,
    ConnectorLike,
    Delta,
    Files,
    Page,
    Postgres,
    ReadRequest,
    Sqlite,
    check,
    check_async,
    describe,
    describe_async,
    read,
    read_async,
    read_delta,
    read_delta_async,
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
from ._guard import Decision, Policy, Reasons
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

__version__ = _native.version()

# Work that still goes on when the interpreter ends would find no Python to come back to.
_atexit.register(_native.stop, 2.0)

__all__ = [
    "CancelledError",
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
    "Explanation",
    "Files",
    "ForbiddenError",
    "IncompatibleError",
    "Incremental",
    "Input",
    "Inputs",
    "InternalError",
    "InvalidError",
    "LimitError",
    "NotFoundError",
    "Page",
    "Plan",
    "PlannedChange",
    "Policy",
    "Postgres",
    "ProtocolError",
    "ReadRequest",
    "Reasons",
    "Reconciliation",
    "Report",
    "Rollback",
    "Rule",
    "Snapshot",
    "Sqlite",
    "Table",
    "ThrottledError",
    "UnauthenticatedError",
    "UnavailableError",
    "UnknownError",
    "UnsupportedError",
    "alias",
    "check",
    "check_async",
    "default",
    "describe",
    "describe_async",
    "drift",
    "exact",
    "ignore",
    "owner",
    "read",
    "read_async",
    "read_delta",
    "read_delta_async",
    "reconcile",
    "reconcile_async",
    "set",
    "subset",
    "text",
    "time_tolerance",
    "tolerance",
    "zone",
]
