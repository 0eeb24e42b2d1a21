"""Guardrails: what may be done about a plan, by whom, when, how much of it, and who must say yes."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Union

from . import _native
from ._approvals import Approval, Grant, Keys, Question, said_all
from ._moments import millis, moment
from ._plan import Plan
from ._snapshot import names
from ._work import run

if TYPE_CHECKING:
    from typing_extensions import NotRequired, Unpack

Outcome = Literal["deny", "ask", "allow"]
"""What may be done: the greater one wins, ``deny`` before ``ask`` before ``allow``."""

Fact = Union[bool, int, float, str, Sequence[str]]


class Request(TypedDict):
    """What a policy is asked, as keyword arguments: ``policy.decide(plan, actor="agent:sync")``."""

    actor: str | Sequence[str]
    """Who acts, as ``"agent:sync"``, or the chain: ``["agent:sync", "person:ada"]`` acts on her behalf."""
    now: NotRequired[datetime | None]
    """When it would be done; now if not given."""
    environment: NotRequired[str]
    """Where it would be done: ``production``, ``test``, …"""
    agreed_rows: NotRequired[int | None]
    """How many records both sides had when they last agreed; if not given, no rule knows."""
    facts: NotRequired[Mapping[str, Fact] | None]
    """What holds for every change that does not say otherwise itself."""
    used: NotRequired[Mapping[str, int] | None]
    """How much of each rate or budget was used; one of which this is not said counts as used up."""


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
    environment: str
    """Where it would be done, as the request said."""
    opening: str | None
    """The digest of the break-glass that it was taken under, if any."""
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
    _held: _native.Decision = field(repr=False, compare=False)

    @classmethod
    def _of(cls, native: _native.Decision) -> Decision:
        said = native.facts()
        timeout = said["timeout"]
        said["timeout"] = None if timeout is None else timedelta(milliseconds=timeout)
        said["at"], said["valid_until"] = moment(said["at"]), moment(said["valid_until"])
        return cls(**said, _held=native)

    def question(self) -> Question:
        """What it asks people; a denial asks nobody, and is a :class:`ForbiddenError`."""
        return Question(self._held.question())

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

    def decide(self, plan: Plan, **request: Unpack[Request]) -> Decision:
        """What this policy says of a plan; see :class:`Request` for what it is told."""
        return Decision._of(run(self._native.decide(_plan(plan), as_data(**request), None)))

    def explain(self, plan: Plan, **request: Unpack[Request]) -> Reasons:
        """Why this policy decides a plan as it does, and what would alter that; takes what :meth:`decide` takes."""
        return Reasons(**run(self._native.explain(_plan(plan), as_data(**request))))

    def break_glass_question(self, opening: Opening) -> Question:
        """What two people are asked before glass is broken."""
        return Question(self._native.glass_question(opening._data()))

    def break_glass(
        self, opening: Opening, answers: Sequence[Approval], *, keys: Keys | None = None, now: datetime | None = None
    ) -> BreakGlass:
        """Breaks glass, where two people said yes to :meth:`break_glass_question`."""
        native = self._native.break_glass(opening._data(), said_all(answers), dict(keys or {}), millis(now))
        return BreakGlass(self, native)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Policy) and self.hash == other.hash

    def __hash__(self) -> int:
        return hash(self.hash)

    def __repr__(self) -> str:
        return f"Policy({self.name}: {len(self.rule_ids)} rules)"


@dataclass(frozen=True)
class Opening:
    """What somebody wants lifted for a few hours, and why: limits, windows and freezes; four hours at most."""

    requester: str | Sequence[str]
    """Who will work while it is open, as a request's ``actor``."""
    lifts: Sequence[str]
    """The ids of the rules whose limits are lifted."""
    reason: str
    start: datetime
    until: datetime

    def _data(self) -> dict[str, Any]:
        return {
            "requester": names(self.requester, "requester"),
            "lifts": names(self.lifts, "lifts"),
            "reason": self.reason,
            "from": millis(self.start, "start"),
            "until": millis(self.until, "until"),
        }


@dataclass(frozen=True)
class Review:
    """What somebody must look at afterwards, and by when."""

    opening: str
    plan: str
    grant: str
    due: datetime


class BreakGlass:
    """Limits that two people lifted for a few hours. It lifts what its opening names, and nothing else."""

    def __init__(self, policy: Policy, native: _native.BreakGlass) -> None:
        self.policy: Policy = policy
        self._native = native

    @property
    def people(self) -> list[str]:
        """Who opened it."""
        people: list[str] = self._native.facts()["people"]
        return people

    def decide(self, plan: Plan, **request: Unpack[Request]) -> Decision:
        """What the policy says of a plan while this is open; takes what :meth:`Policy.decide` takes."""
        return Decision._of(run(self.policy._native.decide(_plan(plan), as_data(**request), self._native)))

    def grant(
        self,
        decision: Decision,
        answers: Sequence[Approval],
        *,
        granted: Sequence[str] = (),
        keys: Keys | None = None,
        now: datetime | None = None,
    ) -> tuple[Grant, Review]:
        """The one grant of a plan, and the review that it brings; ``granted`` are digests of plans that had theirs."""
        asked = decision._held, said_all(answers), list(granted)
        native, review = self._native.grant(*asked, dict(keys or {}), millis(now))
        return Grant(native), Review(**{**review, "due": moment(review["due"])})

    def __repr__(self) -> str:
        return f"BreakGlass(opened by {', '.join(self.people)})"


class PolicyGate:
    """What must say yes, again, when a plan is carried out: a policy, and who asks it.

    Time and the use of limits are those of the moment at which it is asked.
    """

    def __init__(self, policy: Policy, glass: BreakGlass | None = None, **request: Unpack[Request]) -> None:
        if not isinstance(policy, Policy):
            raise TypeError(f"`policy` must be a Policy, not {type(policy).__name__}")
        self._native = policy._native, as_data(**request), None if glass is None else glass._native


def _plan(plan: Plan) -> _native.Plan:
    if not isinstance(plan, Plan):
        raise TypeError(f"`plan` must be a Plan, not {type(plan).__name__}")
    return plan._native


def as_data(
    *,
    actor: str | Sequence[str],
    now: datetime | None = None,
    environment: str = "",
    agreed_rows: int | None = None,
    facts: Mapping[str, Fact] | None = None,
    used: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """A :class:`Request` as the native half takes it."""
    request: dict[str, Any] = {
        "actor": names(actor, "actor"),
        "now": millis(now),
        "environment": environment,
        "facts": dict(facts or {}),
        "used": dict(used or {}),
    }
    return request if agreed_rows is None else {**request, "agreed_rows": agreed_rows}
