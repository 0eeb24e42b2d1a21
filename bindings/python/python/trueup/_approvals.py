"""Approvals: a question put to people, what they answer, who vouches for it, and the grant that comes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Union

from . import _native
from ._moments import maybe, millis, moment
from ._snapshot import names

Keys = Mapping[str, Union[str, Sequence[str]]]
"""Which public keys are whose: ``{"person:bo": bo.verifier}``. An answer that is signed counts under one of them."""


class Key:
    """A key that signs: for a log, or for a person.

    >>> import trueup as tu
    >>> key = tu.Key.generate("bo.example")
    >>> key.verifier.split("+")[0], len(key.sign(b"yes"))
    ('bo.example', 64)
    """

    __slots__ = ("_native",)

    def __init__(self, native: _native.Key) -> None:
        self._native = native

    @classmethod
    def generate(cls, name: str) -> Key:
        """A new key of this name, which lasts as long as the object."""
        return cls(_native.Key.generate(name))

    @classmethod
    def from_seed(cls, name: str, seed: bytes) -> Key:
        """The key of this name that comes from these 32 secret bytes."""
        return cls(_native.Key.from_seed(name, seed))

    @classmethod
    def of_host(cls, verifier: str, sign: Callable[[bytes], bytes]) -> Key:
        """A key that is kept elsewhere: its public half, and who makes Ed25519 signatures with it."""
        return cls(_native.Key.of_host(verifier, sign))

    @property
    def verifier(self) -> str:
        """The public half as text: what others check signatures with."""
        return self._native.verifier()

    def sign(self, message: bytes) -> bytes:
        """The Ed25519 signature of these bytes."""
        return bytes(self._native.sign(message))

    def __repr__(self) -> str:
        return f"Key({self.verifier})"


class Grant:
    """Permission to carry one plan out, once, until it expires. It comes of answers, and of nothing else."""

    __slots__ = ("_native",)

    def __init__(self, native: _native.Grant) -> None:
        self._native = native

    @property
    def id(self) -> str:
        """Names it, in hexadecimal digits."""
        text: str = self._native.facts()["id"]
        return text

    @property
    def plan(self) -> str:
        """The digest of the plan that may be carried out."""
        text: str = self._native.facts()["plan"]
        return text

    @property
    def expires(self) -> datetime:
        """When it ends."""
        return moment(self._native.facts()["expires"])

    @property
    def by(self) -> str | dict[str, Any]:
        """What it rests on: ``"policy"``, or the people."""
        by: str | dict[str, Any] = self._native.facts()["by"]
        return by

    def __repr__(self) -> str:
        return f"Grant({self.id[:8]}… for plan {self.plan[:8]}… until {self.expires:%Y-%m-%d %H:%M} UTC)"


@dataclass(frozen=True)
class Approval:
    """A person's answer, bound to a question. It counts once it is signed or attested."""

    data: Mapping[str, Any]
    """The answer as plain data: to be kept, sent and read again with ``Approval(data)``."""

    def sign(self, key: Key) -> Approval:
        """The answer with the person's signature."""
        return Approval(_native.sign(dict(self.data), key._native))

    def attest(self, host: str) -> Approval:
        """The answer with the host's word that the person gave it: nobody can check that afterwards."""
        return Approval(_native.attest(dict(self.data), host))

    @property
    def person(self) -> str:
        """Whose answer it is."""
        person: str = self.data["approver"]["actor"][0]
        return person


@dataclass(frozen=True)
class Standing:
    """What the answers to a question come to."""

    state: Literal["granted", "waiting", "rejected", "expired"]
    grant: Grant | None = None
    """The permission, where all said yes who must."""
    text: str = ""
    missing: Sequence[Mapping[str, Any]] = ()
    """Who must still answer."""
    not_before: datetime | None = None
    """Until when somebody deferred it."""
    by: str | None = None
    """Who said no."""
    reason: str | None = None
    at: datetime | None = None
    """Since when the question is over."""

    def __str__(self) -> str:
        return self.text or self.state


@dataclass(frozen=True)
class Question:
    """A question put to people: what they answer is bound to it, to its plan, and to what that rests on.

    Answers are given by a person, with the roles that the host knows them to have:

    >>> import trueup as tu
    >>> state = tu.Snapshot([{"id": 1}, {"id": 2}], provenance={"read_id": "r-17"})
    >>> plan = tu.reconcile([{"id": 1}], state, key="id", name="fleet").plan()
    >>> question = tu.Policy.standard().decide(plan, actor="agent:sync").question()
    >>> yes = question.approve("person:bo", roles="owner").attest("desk")
    >>> print(question.standing([yes]))
    waiting for 1 person with role `owner`
    >>> no = question.reject("person:cy", roles="owner", reason="not on a Friday").attest("desk")
    >>> print(question.standing([yes, no]))
    `person:cy` said no: not on a Friday
    """

    data: Mapping[str, Any]
    """The question as plain data: to be kept, sent and read again with ``Question(data)``."""

    @property
    def asks(self) -> list[dict[str, Any]]:
        """Who must answer, escalations left aside: ``{"roles": …, "count": …, "within": milliseconds}``."""
        return list(self.data["asks"])

    @property
    def expires(self) -> datetime:
        """When it is over."""
        return moment(self.data["expires"])

    def approve(self, person: str, *, roles: str | Sequence[str], **more: Any) -> Approval:
        """Yes. ``more`` may have ``delegate_of`` (those for whom the person acts) and ``now``."""
        return self._answer("approve", person, roles, **more)

    def reject(self, person: str, *, roles: str | Sequence[str], reason: str, **more: Any) -> Approval:
        """No. It stands until the person says otherwise, or two others override it."""
        return self._answer({"reject": {"reason": reason}}, person, roles, **more)

    def override(self, person: str, *, roles: str | Sequence[str], reason: str, **more: Any) -> Approval:
        """Yes, in spite of a rejection or deferral: two people must say so."""
        return self._answer({"override": {"reason": reason}}, person, roles, **more)

    def escalate(
        self, person: str, *, roles: str | Sequence[str], to: str | Sequence[str], reason: str, **more: Any
    ) -> Approval:
        """One more person must be asked, with one of the roles ``to``."""
        return self._answer({"escalate": {"roles": names(to, "to"), "reason": reason}}, person, roles, **more)

    def defer(self, person: str, *, roles: str | Sequence[str], until: datetime, **more: Any) -> Approval:
        """Not before this moment."""
        return self._answer({"defer": {"until": millis(until, "until")}}, person, roles, **more)

    def refusal(
        self,
        answer: Approval,
        before: Sequence[Approval] = (),
        *,
        keys: Keys | None = None,
        now: datetime | None = None,
    ) -> str | None:
        """Why an answer counts for nothing, if so; ``before`` are those given already."""
        asked = dict(self.data), dict(answer.data), said_all(before)
        return _native.refusal(*asked, dict(keys or {}), millis(now))

    def standing(
        self, answers: Sequence[Approval], *, keys: Keys | None = None, now: datetime | None = None
    ) -> Standing:
        """What the answers come to now. Those that :meth:`refusal` names a reason for count for nothing."""
        said, grant = _native.standing(dict(self.data), said_all(answers), dict(keys or {}), millis(now))
        said["grant"] = None if grant is None else Grant(grant)
        for name in ("not_before", "at"):
            said[name] = maybe(said.get(name))
        return Standing(**said)

    def _answer(
        self,
        answer: str | dict[str, Any],
        person: str,
        roles: str | Sequence[str],
        *,
        delegate_of: str | Sequence[str] = (),
        now: datetime | None = None,
    ) -> Approval:
        approver = {
            "actor": [person],
            "roles": names(roles, "roles"),
            "delegate_of": names(delegate_of, "delegate_of"),
        }
        return Approval(_native.answer(dict(self.data), answer, approver, millis(now)))


def said_all(answers: Sequence[Approval]) -> list[dict[str, Any]]:
    """Answers as plain data."""
    return [dict(answer.data) for answer in answers]
