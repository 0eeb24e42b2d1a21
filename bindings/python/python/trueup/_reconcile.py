"""Reconciling: from two snapshots to a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Union

from . import _native
from ._inputs import Records, prepare
from ._report import Report
from ._rules import Rule
from ._snapshot import names
from ._work import Progress, run, wait

Rules = Mapping[str, Union[Rule, str, Mapping[str, Any]]]
"""The rule of each field that has one: a :class:`Rule`, or a rule as data."""

Fields = Union[Literal["all", "common"], Sequence[str]]
"""Which fields are compared: all (one that stands on one side only is an error), those of both sides, or these."""

Mappings = Mapping[str, Mapping[str, Any]]
"""How the systems call things: ``{"actual": {"fields": {canonical: system}, "values": {field: {canonical: system}}}}``."""

Side = Literal["expected", "actual"]


class Reconciliation:
    """What is compared and how, as a document: plain data that can be kept, shown and run again.

    >>> import trueup as tu
    >>> fleet = tu.Reconciliation(name="fleet", key="serial", compare={"free_gib": tu.tolerance(absolute=10)})
    >>> fleet.run([{"serial": "A1", "free_gib": 100}], [{"serial": "A1", "free_gib": 97}]).converged
    True
    >>> tu.Reconciliation.from_json(fleet.to_json()) == fleet
    True
    """

    __slots__ = ("_native",)

    def __init__(
        self,
        *,
        key: str | Sequence[str],
        name: str = "",
        compare: Rules | None = None,
        fields: Fields = "all",
        alternate_keys: Sequence[str | Sequence[str]] = (),
        mapping: Mappings | None = None,
        tenant: str = "",
        resource: str = "",
    ) -> None:
        members: dict[str, Any] = {
            "name": _text(name, "name"),
            "tenant": _text(tenant, "tenant"),
            "resource": _text(resource, "resource"),
            "key": names(key, "key"),
            "fields": fields if isinstance(fields, str) else names(fields, "fields"),
            "compare": _data(compare, "compare"),
            "mapping": _data(mapping, "mapping"),
        }
        if alternate_keys:
            members["alternate_keys"] = [names(one, "alternate_keys") for one in alternate_keys]
        self._native = _native.Reconciliation.from_data(members)

    @classmethod
    def from_json(cls, text: str) -> Reconciliation:
        """Reads the JSON form; a misspelt member or word is answered with the nearest one."""
        made = cls.__new__(cls)
        made._native = _native.Reconciliation.from_json(text)
        return made

    def to_json(self) -> str:
        """The document as JSON; members that say nothing are left out."""
        return self._native.to_json()

    def run(
        self,
        expected: Records,
        actual: Records,
        *,
        base: Records | None = None,
        threads: int | None = None,
        progress: bool | Progress | None = None,
    ) -> Report:
        """Compares; see :func:`trueup.reconcile`."""
        return Report(run(self._start(expected, actual, base, threads), progress))

    async def run_async(
        self,
        expected: Records,
        actual: Records,
        *,
        base: Records | None = None,
        threads: int | None = None,
        progress: bool | Progress | None = None,
    ) -> Report:
        """Compares without holding up the event loop."""
        return Report(await wait(self._start(expected, actual, base, threads), progress))

    def _start(
        self, expected: Records, actual: Records, base: Records | None, threads: int | None
    ) -> _native.Work[_native.Report]:
        third = None if base is None else prepare(base, "base")
        sides = prepare(expected, "expected"), prepare(actual, "actual")
        return self._native.run(*sides, third, _count(threads, "threads"))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Reconciliation) and self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash(self.to_json())

    def __repr__(self) -> str:
        return f"Reconciliation({self.to_json()})"


def reconcile(
    expected: Records,
    actual: Records,
    *,
    key: str | Sequence[str],
    name: str = "",
    compare: Rules | None = None,
    fields: Fields = "all",
    alternate_keys: Sequence[str | Sequence[str]] = (),
    mapping: Mappings | None = None,
    tenant: str = "",
    resource: str = "",
    base: Records | None = None,
    threads: int | None = None,
    progress: bool | Progress | None = None,
) -> Report:
    """Finds exactly where two sides disagree.

    ``expected`` and ``actual`` are tables with the Arrow PyCapsule interface (pyarrow, Polars, pandas, DuckDB), lists of
    dicts, paths to CSV, JSON lines, Parquet or Arrow files, or snapshots. Arrow columns are not copied.

    :param key: the field or fields that identify a record on both sides
    :param name: the name of the reconciliation, part of each finding's id
    :param compare: the rules of fields whose values need not be equal: :func:`tolerance`, :func:`ignore`, …
    :param fields: which fields are compared: ``"all"``, ``"common"``, or a list
    :param alternate_keys: fields on which records meet whose key only one side has: a rename
    :param mapping: how the systems call fields and values
    :param base: what both sides last agreed on (:meth:`Report.advance`), for a three-way comparison
    :param threads: how many threads work at once; all processors if not given
    :param progress: true for a progress bar, or a function that takes stage, rows done and rows in all

    >>> import trueup as tu
    >>> report = tu.reconcile(
    ...     [{"package": "bash", "kib": 7164}, {"package": "zsh", "kib": 2478}],
    ...     [{"package": "bash", "kib": 7166}, {"package": "fish", "kib": 3011}],
    ...     key="package", compare={"kib": tu.tolerance(absolute=4)})
    >>> print(report.counts)
    matched 1, missing 1, unexpected 1
    """
    document = Reconciliation(
        key=key,
        name=name,
        compare=compare,
        fields=fields,
        alternate_keys=alternate_keys,
        mapping=mapping,
        tenant=tenant,
        resource=resource,
    )
    return document.run(expected, actual, base=base, threads=threads, progress=progress)


async def reconcile_async(
    expected: Records,
    actual: Records,
    *,
    key: str | Sequence[str],
    name: str = "",
    compare: Rules | None = None,
    fields: Fields = "all",
    alternate_keys: Sequence[str | Sequence[str]] = (),
    mapping: Mappings | None = None,
    tenant: str = "",
    resource: str = "",
    base: Records | None = None,
    threads: int | None = None,
    progress: bool | Progress | None = None,
) -> Report:
    """:func:`reconcile` without holding up the event loop; cancelling the task ends the work."""
    document = Reconciliation(
        key=key,
        name=name,
        compare=compare,
        fields=fields,
        alternate_keys=alternate_keys,
        mapping=mapping,
        tenant=tenant,
        resource=resource,
    )
    return await document.run_async(expected, actual, base=base, threads=threads, progress=progress)


class Incremental:
    """Two snapshots held side by side with an index, so that each may take changes at the cost of the change.

    >>> import trueup as tu
    >>> index = tu.Incremental(tu.Reconciliation(key="id"), [{"id": 1, "os": "14"}], [{"id": 1, "os": "13"}])
    >>> index.change("actual", [{"id": 1, "os": "14"}])
    >>> index.report().converged
    True
    >>> index.remove("actual", [{"id": 1}])
    1
    """

    __slots__ = ("_native",)

    def __init__(
        self,
        reconciliation: Reconciliation,
        expected: Records,
        actual: Records,
        *,
        threads: int | None = None,
        progress: bool | Progress | None = None,
    ) -> None:
        if not isinstance(reconciliation, Reconciliation):
            raise TypeError(f"`reconciliation` must be a Reconciliation, not {type(reconciliation).__name__}")
        sides = prepare(expected, "expected"), prepare(actual, "actual")
        self._native = run(reconciliation._native.index(*sides, _count(threads, "threads")), progress)

    def change(self, side: Side, records: Records) -> None:
        """Puts these records in the place of those of a side that have their keys, and adds new ones."""
        run(self._native.change(side, prepare(records, "records")))

    def remove(self, side: Side, keys: Records) -> int:
        """Removes the records of a side that have these keys; returns how many there were."""
        return run(self._native.remove(side, prepare(keys, "keys")))

    def report(self) -> Report:
        """What the two sides agree and disagree on now: the report that comparing afresh would give."""
        return Report(run(self._native.report()))


def _text(value: str, what: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"`{what}` must be text, not {type(value).__name__}")
    return value


def _count(value: int | None, what: str) -> int | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
        raise TypeError(f"`{what}` must be a whole number, not {value!r}")
    return value


def _data(value: Mapping[str, Any] | None, what: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise TypeError(f"`{what}` must be a dict, not {type(value).__name__}")
    return dict(value)
