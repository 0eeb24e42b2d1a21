"""Plans: which changes would make two systems agree, in which order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, NamedTuple

from . import _native


@dataclass(frozen=True)
class PlannedChange:
    """One write that a plan holds: what is done to which record, and on what it rests.

    Names and values are canonical; a secret value is not shown (its field is named in ``secret``).
    """

    target: Literal["expected", "actual"]
    """The side whose system is written."""
    operation: str
    """``create``, ``update``, ``delete``, or the name of an action."""
    key: dict[str, Any]
    id: Any = None
    version: Any = None
    before: dict[str, Any] = field(default_factory=dict[str, Any])
    """The values that must still hold when the change is made."""
    after: dict[str, Any] = field(default_factory=dict[str, Any])
    secret: Sequence[str] = ()
    wave: int = 0
    facts: dict[str, Any] = field(default_factory=dict[str, Any])
    findings: Sequence[str] = ()
    """The findings that it settles; the planner's to set."""
    text: str = ""

    def __str__(self) -> str:
        return self.text or f"{self.operation} {self.key} on the {self.target} side"


class Rollback(NamedTuple):
    """A plan that undoes another, and what it cannot undo."""

    plan: Plan
    irreversible: list[int]
    """The places of changes that took place and have no way back: actions."""


@dataclass(frozen=True)
class Effect:
    """A change of a plan that took place, and what its receipt said of the record."""

    place: int
    id: str | None = None
    version: str | None = None


class Plan:
    """An ordered set of changes with a digest: what people approve and the executor runs, exactly.

    >>> import trueup as tu
    >>> state = tu.Snapshot([{"id": 1, "os": "13"}], provenance={"read_id": "r-17"})
    >>> report = tu.reconcile([{"id": 1, "os": "14"}, {"id": 2, "os": "14"}], state, key="id", name="fleet")
    >>> plan = report.plan()
    >>> plan
    Plan(1 to create, 1 to update, 0 to delete on the actual side)
    >>> [change.operation for change in plan.narrow(lambda change: change.operation != "create").changes]
    ['update']
    >>> tu.Plan.from_json(plan.to_json()) == plan
    True
    """

    def __init__(self, native: _native.Plan) -> None:
        self._native = native
        self._facts: dict[str, Any] = native.facts()

    @classmethod
    def propose(
        cls,
        name: str,
        changes: Sequence[PlannedChange],
        *,
        reading: Mapping[str, Any],
        covered_rows: int = 0,
    ) -> Plan:
        """A plan of these changes, proposed rather than found by comparing.

        ``reading`` is the provenance of the reading it rests on, with its ``read_id``; ``covered_rows`` says how many
        records the systems have, which shares are shares of.
        """
        data = [dict(vars(change)) for change in changes]
        return cls(_native.Plan.propose(name, dict(reading), covered_rows, data))

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """Reads the JSON form, and holds it to its digest."""
        return cls(_native.Plan.from_json(text))

    def to_json(self) -> str:
        """The plan as JSON. Secret values are not in it; their fields are."""
        return self._native.to_json()

    @property
    def origin(self) -> dict[str, str]:
        """What it was made from: tenant, name, resource, and the readings of both sides."""
        return dict(self._facts["origin"])

    @property
    def digest(self) -> str:
        """The digest over origin and changes, in hexadecimal digits."""
        digest: str = self._facts["digest"]
        return digest

    @property
    def waves(self) -> int:
        """How many waves it has."""
        waves: int = self._facts["waves"]
        return waves

    @cached_property
    def changes(self) -> list[PlannedChange]:
        """The changes, in the order in which they are made."""
        return [PlannedChange(**change) for change in self._native.changes()]

    @property
    def left_out(self) -> list[dict[str, str]]:
        """The findings that it does not settle, and why."""
        return list(self._facts["left_out"])

    def impact(self, target: Literal["expected", "actual"]) -> dict[str, Any]:
        """What it would do to the system on one side, in numbers."""
        self.resource(target)
        return dict(self._facts["impacts"][target])

    def resource(self, target: Literal["expected", "actual"]) -> str:
        """What the system on one side calls the resource."""
        return self._native.resource(target)

    def narrow(self, keep: Callable[[PlannedChange], bool]) -> Plan:
        """The plan of those changes that ``keep`` is true for: another plan, with another digest."""
        return Plan(self._native.narrow([bool(keep(change)) for change in self.changes]))

    def without(self, places: Sequence[int]) -> Plan:
        """The plan without the changes at these places: what is left where a policy denies some."""
        out = frozenset(places)
        return Plan(self._native.narrow([place not in out for place in range(len(self))]))

    def rollback(self, effects: Sequence[Effect], *, reading: Mapping[str, Any]) -> Rollback:
        """The plan that undoes these changes, from the values recorded before and after, the last wave first.

        ``reading`` is the provenance of the reading after which it is proposed.
        """
        plan, irreversible = self._native.rollback([dict(vars(effect)) for effect in effects], dict(reading))
        return Rollback(Plan(plan), irreversible)

    def __len__(self) -> int:
        count: int = self._facts["changes"]
        return count

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Plan) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        return f"Plan({self._facts['text']})"
