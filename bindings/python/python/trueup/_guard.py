"""Guardrails: what may be done about a plan, by whom, when, how much of it, and who must say yes."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Literal, Union

from . import _native
from ._plan import Plan
from ._snapshot import names
from ._work import run

Outcome = Literal["deny", "ask", "allow"]
"""What may be done: the greater one wins, ``deny`` before ``ask`` before ``allow``."""

Fact = Union[bool, int, float, str, Sequence[str]]

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Decision:
    """What a policy decided about a plan: an outcome for each change, and the greatest of them for the plan."""

    outcome: Outcome
    risk: str
    """The greatest risk of its changes: ``R1``, ``R2`` or ``R3``, which always asks."""
    score: int
    places: dict[str, list[int]]
    """The places of the changes in the plan, by outcome."""
    asks: list[dict[str, Any]]
    """Who must be asked for the plan as a whole: every one of these."""
    changes: list[dict[str, Any]]
    """The different decisions there are among its changes, with the rules that decided."""
    at: datetime
    valid_until: datetime
    """Until when it holds: no window, freeze or budget changes before."""
    requester: list[str]
    plan: str
    """The plan's digest."""
    policy: str
    """The policy's hash."""
    against: str
    """A digest of what it was taken against: the plan, and the counts that its limits used."""
    counts: list[dict[str, Any]]
    uses: list[dict[str, Any]]
    lifted: list[str]
    timeout: timedelta | None
    evidence: list[str]
    stale_share: int
    zone_data: str

    @property
    def denied(self) -> list[int]:
        """The places of the changes that are denied; ``plan.without(decision.denied)`` leaves them out."""
        return self.places["deny"]


@dataclass(frozen=True)
class Reasons:
    """Why a policy decides a plan as it does; shown, it is a few lines of text."""

    outcome: Outcome
    rules: list[dict[str, Any]]
    """The rules that match or may, those that weigh most first."""
    remedies: list[str]
    """What would alter the outcome, each the least of its kind."""
    text: str

    def __str__(self) -> str:
        return self.text


class Policy:
    """Rules that say what may be done, by whom, when, how much of it, and who is asked.

    A policy that was read is whole: unknown members, unknown facts and rules that contradict themselves were refused.

    >>> import trueup as tu
    >>> policy = tu.Policy.from_toml('''
    ... version = 1
    ... name = "creates only"
    ... [[rule]]
    ... id = "creates"
    ... action = "create"
    ... outcome = "allow"
    ... ''')
    >>> state = tu.Snapshot([{"id": 1}, {"id": 3}], provenance={"read_id": "r-17"})
    >>> plan = tu.reconcile([{"id": 1}, {"id": 2}], state, key="id").plan()
    >>> decision = policy.decide(plan, actor="agent:sync")
    >>> decision.outcome, [plan.changes[place].operation for place in decision.denied]
    ('deny', ['delete'])
    >>> policy.decide(plan.without(decision.denied), actor="agent:sync").outcome
    'allow'
    """

    STANDARD: str = _native.Policy.standard_document()
    """The document of the policy that holds where nobody wrote one: read it, copy it, change it."""

    def __init__(self, native: _native.Policy) -> None:
        self._native = native
        self._facts: dict[str, Any] = native.facts()

    @classmethod
    def from_toml(cls, text: str) -> Policy:
        """Reads a TOML document."""
        return cls(_native.Policy.from_toml(text))

    @classmethod
    def from_json(cls, text: str) -> Policy:
        """Reads a JSON document."""
        return cls(_native.Policy.from_json(text))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Policy:
        """Reads a file: TOML, or JSON where it is called so."""
        text = Path(path).read_text(encoding="utf-8")
        return cls.from_json(text) if str(path).endswith(".json") else cls.from_toml(text)

    @classmethod
    def standard(cls) -> Policy:
        """The policy that holds where nobody wrote one."""
        return cls(_native.Policy.standard())

    @staticmethod
    def schema() -> str:
        """The JSON Schema of the document."""
        return _native.Policy.schema()

    @property
    def name(self) -> str:
        """What it is called."""
        name: str = self._facts["name"]
        return name

    @property
    def hash(self) -> str:
        """Its hash: two documents that mean the same have the same."""
        digest: str = self._facts["hash"]
        return digest

    @property
    def rule_ids(self) -> list[str]:
        """The ids of its rules, sorted."""
        return list(self._facts["rule_ids"])

    def to_json(self) -> str:
        """The document in its normal form, which the hash is of."""
        return self._native.to_json()

    def decide(
        self,
        plan: Plan,
        *,
        actor: str | Sequence[str],
        now: datetime | None = None,
        environment: str = "",
        agreed_rows: int | None = None,
        facts: Mapping[str, Fact] | None = None,
        used: Mapping[str, int] | None = None,
    ) -> Decision:
        """What this policy says of a plan.

        :param actor: who acts, as ``"agent:sync"``, or the chain: ``["agent:sync", "person:ada"]`` acts on her behalf
        :param now: when it would be done; now if not given
        :param environment: where it would be done: ``production``, ``test``, …
        :param agreed_rows: how many records both sides had when they last agreed; if not given, no rule knows
        :param facts: what holds for every change that does not say otherwise itself
        :param used: how much of each rate or budget was used; one of which this is not said counts as used up
        """
        said = run(self._native.decide(_plan(plan), _request(actor, now, environment, agreed_rows, facts, used)))
        timeout = said["timeout"]
        said["timeout"] = None if timeout is None else timedelta(milliseconds=timeout)
        return Decision(**{**said, "at": _moment(said["at"]), "valid_until": _moment(said["valid_until"])})

    def explain(
        self,
        plan: Plan,
        *,
        actor: str | Sequence[str],
        now: datetime | None = None,
        environment: str = "",
        agreed_rows: int | None = None,
        facts: Mapping[str, Fact] | None = None,
        used: Mapping[str, int] | None = None,
    ) -> Reasons:
        """Why this policy decides a plan as it does, and what would alter that; takes what :meth:`decide` takes."""
        request = _request(actor, now, environment, agreed_rows, facts, used)
        return Reasons(**run(self._native.explain(_plan(plan), request)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Policy) and self.hash == other.hash

    def __hash__(self) -> int:
        return hash(self.hash)

    def __repr__(self) -> str:
        return f"Policy({self.name}: {len(self.rule_ids)} rules)"


def _plan(plan: Plan) -> _native.Plan:
    if not isinstance(plan, Plan):
        raise TypeError(f"`plan` must be a Plan, not {type(plan).__name__}")
    return plan._native


def _request(
    actor: str | Sequence[str],
    now: datetime | None,
    environment: str,
    agreed_rows: int | None,
    facts: Mapping[str, Fact] | None,
    used: Mapping[str, int] | None,
) -> dict[str, Any]:
    moment = datetime.now(timezone.utc) if now is None else now
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise TypeError(f"`now` must be a datetime with a time zone, not {moment!r}")
    request: dict[str, Any] = {
        "actor": names(actor, "actor"),
        "now": (moment - EPOCH) // timedelta(milliseconds=1),
        "environment": environment,
        "facts": dict(facts or {}),
        "used": dict(used or {}),
    }
    return request if agreed_rows is None else {**request, "agreed_rows": agreed_rows}


def _moment(milliseconds: int) -> datetime:
    """A moment beyond what Python's calendar has counts as its end: it never comes."""
    try:
        return EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return datetime.max.replace(tzinfo=timezone.utc)
