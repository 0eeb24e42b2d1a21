"""The conformance suite: whether a connector keeps what every connector owes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Union

from . import _native
from ._bridge import call
from ._connector import AnyConnector
from ._inputs import Records, prepare
from ._snapshot import Snapshot
from ._work import Progress, run

Truth = Mapping[str, Records]
"""All records of each resource, as somebody knows them who did not use the connector."""


@dataclass(frozen=True)
class Subject:
    """A connector under test, and the truth about its source.

    Give it two resources, one of them with more records than fit on a page, and one without records if there can be
    such a one. The system behind must be one that exists for the test.
    """

    connector: AnyConnector
    truth: Truth
    writes: tuple[str, Records] | None = None
    """A resource that may be written, and at least four records of it that are not there and can be made."""
    break_source: Callable[[], object] | None = None
    """Breaks the source, so that it cannot be read any more; none where that cannot happen."""
    change_source: Callable[[], Truth] | None = None
    """Changes the source, and gives the new truth; a connector that claims deltas must have it."""


def conformance(make: Callable[[], Subject], *, progress: Union[bool, Progress, None] = None) -> list[str]:
    """Checks every promise of the contract on a connector; ``make`` makes it afresh for each.

    :return: the names of the promises, all kept
    :raises ProtocolError: every promise that is broken, and how

    In a test: ``def test_it_keeps_its_promises(): tu.conformance(make)``.
    """
    if not callable(make):
        raise TypeError(f"`make` must be a function that makes a Subject, not {type(make).__name__}")
    checked = run(_native.conformance(lambda: _given(make()), None), progress)
    return [promise["promise"] for promise in checked]


def _given(subject: Subject) -> tuple[Any, ...]:
    if not isinstance(subject, Subject):
        raise TypeError(f"`make` must give a Subject, not {type(subject).__name__}")
    description = call(subject.connector, "describe", None, None, None)
    fields = {resource["name"]: resource["fields"] for resource in description["resources"]}

    def told(truth: Truth) -> list[tuple[str, Any]]:
        return [(name, _records(records, fields.get(name))) for name, records in truth.items()]

    change = subject.change_source
    writes = None if subject.writes is None else told(dict([subject.writes]))[0]
    changed = None if change is None else lambda: told(change())
    return subject.connector, told(subject.truth), writes, subject.break_source, changed


def _records(records: Records, fields: Sequence[Mapping[str, Any]] | None) -> Any:
    """Records as the native half takes them; rows have the fields of their resource."""
    if isinstance(records, (list, tuple)):
        return Snapshot(list(records), schema=fields)._native
    return prepare(records, "truth")
