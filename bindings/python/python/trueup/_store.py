"""The store: one file that remembers what was read, found, planned, permitted and done."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Union

from . import _native
from ._approvals import Approval, Grant, Key
from ._guard import Decision
from ._moments import maybe, millis, moment
from ._plan import Plan
from ._report import Report
from ._snapshot import Snapshot
from ._work import run

if TYPE_CHECKING:
    from ._executor import RunReport

_Path = Union[str, "os.PathLike[str]"]


class Followed(NamedTuple):
    """What became of findings since the last report of a reconciliation."""

    opened: list[str]
    changed: list[str]
    resolved: list[str]
    unseen: list[str]
    """Findings that the report cannot see: it covers something else. They stay open."""
    unchanged: int
    suppressed: int
    """Open findings that are suppressed now."""


@dataclass(frozen=True)
class Tracked:
    """A finding, as it was followed."""

    id: str
    state: str
    opened_at: datetime
    changed_at: datetime
    resolved_at: datetime | None
    times_opened: int
    suppressed: dict[str, Any] | None
    """Who keeps it out of sight, why and until when."""


@dataclass(frozen=True)
class Verdict:
    """What an evidence pack or a log was found to show. Look at :attr:`holds` first."""

    holds: bool
    """Whether nothing is wrong."""
    problems: list[dict[str, str]]
    about: Any
    checkpoint: dict[str, Any] | None
    signers: list[str]
    """Whose signatures hold, of the trusted keys."""
    strangers: list[str]
    anchored: list[int]
    """Entries of the log that a checkpoint covers: nobody can rewrite them any more."""
    not_anchored: list[int]
    erased: list[dict[str, Any]]
    files: list[dict[str, Any]]
    text: str = field(repr=False)

    def __bool__(self) -> bool:
        return self.holds

    def __str__(self) -> str:
        return self.text


class Store:
    """One SQLite file that remembers what was read, found, planned, permitted and done.

    Everything it does is done whole, with its entry in the audit log, or not at all. It may be used from any thread;
    each call waits for its commit. In asynchronous code, ``await asyncio.to_thread(store.follow, report)``.

    >>> import tempfile, trueup as tu
    >>> with tempfile.TemporaryDirectory() as folder, tu.Store(f"{folder}/trueup.db") as store:
    ...     report = tu.reconcile([{"id": 1}], [{"id": 2}], key="id", name="fleet")
    ...     len(store.follow(report).opened), store.verify()["entries"]
    (2, 1)
    """

    def __init__(
        self,
        path: _Path = "",
        *,
        mode: Literal["create", "open", "open_or_create", "in_memory"] = "open_or_create",
        **settings: Any,
    ) -> None:
        """Opens a store; settings are ``busy_ms``, ``batch``, ``most_pages`` and ``log``, a new store's name of its log."""
        self._held: _native.Store | None = run(_native.Store.make(path, mode, settings))

    @classmethod
    def restore(cls, backup: _Path, to: _Path) -> Store:
        """Makes a store of a backup, which is checked first and stays as it is."""
        made = cls.__new__(cls)
        made._held = run(_native.Store.restore(backup, to))
        return made

    @property
    def _native(self) -> _native.Store:
        if self._held is None:
            raise ValueError("the store was closed; open it again")
        return self._held

    def close(self) -> None:
        """Lets go of the file; a run that goes on keeps it until its end."""
        self._held = None

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, question: str | dict[str, Any]) -> Any:
        return run(self._native.ask(question))

    def keep(self, *things: Plan | Decision | Approval | Grant) -> None:
        """Writes down a plan, then what was decided and answered about it, and its grant; secret values are not kept."""
        for thing in things:
            if isinstance(thing, Plan):
                run(self._native.keep_plan(thing._native))
            elif isinstance(thing, Decision):
                run(self._native.keep_decision(thing._held))
            elif isinstance(thing, Approval):
                self._ask({"keep_answer": {"answer": dict(thing.data)}})
            elif isinstance(thing, Grant):
                run(self._native.keep_grant(thing._native))
            else:
                raise TypeError(f"a store keeps plans, decisions, answers and grants, not {type(thing).__name__}")

    def plan(self, digest: str) -> Plan:
        """A plan that was kept. One that writes secrets can be looked at, but not carried out."""
        return Plan(run(self._native.plan(digest)))

    def decisions(self, plan: str) -> list[dict[str, Any]]:
        """What was decided about the plan of this digest, first to last."""
        return [_noted(noted) for noted in self._ask({"decisions": {"plan": plan}})]

    def answers(self, plan: str) -> list[Approval]:
        """What people said about the plan of this digest, first to last; what was erased is left out."""
        noted = self._ask({"answers": {"plan": plan}})
        return [Approval(one["document"]) for one in noted if one["document"] is not None]

    def grant(self, grant: str) -> dict[str, Any]:
        """A grant that was written down, and the run that used it."""
        said: dict[str, Any] = self._ask({"grant": {"grant": grant}})
        return {**said, "expires": moment(said["expires"])}

    def used(self, limit: str, since: datetime) -> int:
        """How much of a limit plans have used since then."""
        count: int = self._ask({"used": {"limit": limit, "since": millis(since, "since")}})
        return count

    def reviews(self) -> list[dict[str, Any]]:
        """What was done under break-glass, with when somebody must look at it and who has; first due first."""
        return [{**one, "due": moment(one["due"])} for one in self._ask("reviews")]

    def review(self, grant: str, by: str) -> None:
        """Writes down that somebody has looked at what was done with a grant of break-glass."""
        self._ask({"review": {"grant": grant, "by": by}})

    def note_reading(self, snapshot: Snapshot) -> None:
        """Notes a reading in the catalogue."""
        run(self._native.note_reading(snapshot._native))

    def readings(self, system: str, *, tenant: str = "") -> list[dict[str, Any]]:
        """The readings of a system, last first."""
        found: list[dict[str, Any]] = self._ask({"readings": {"tenant": tenant, "system": system}})
        return found

    def note_agreed(self, report: Report) -> None:
        """Notes that both sides agree as this report says: what later plans are measured against."""
        run(self._native.note_agreed(report._native))

    def last_agreed(self, name: str, resource: str = "", *, tenant: str = "") -> dict[str, int] | None:
        """How many records both sides had when they last agreed."""
        agreed: dict[str, int] | None = self._ask({"last_agreed": _scope(tenant, name, resource)})
        return agreed

    def follow(self, report: Report) -> Followed:
        """Follows the findings of a reconciliation from its last report to this one."""
        return Followed(**run(self._native.follow(report._native)))

    def findings(self, name: str, resource: str = "", *, tenant: str = "") -> list[Tracked]:
        """The findings of a reconciliation, those that are resolved too, by id."""
        return [_tracked(found) for found in self._ask({"findings": _scope(tenant, name, resource)})]

    def suppress(self, report: Report, finding: str, *, owner: str, reason: str, until: datetime) -> None:
        """Keeps an open finding out of sight until then; whoever owns that says why."""
        run(self._native.suppress(report._native, finding, owner, reason, millis(until, "until")))

    def unsuppress(self, report: Report, finding: str, *, by: str) -> None:
        """Ends a suppression before its time."""
        run(self._native.unsuppress(report._native, finding, by))

    def backup(self, to: _Path) -> None:
        """Copies the store, as it is at one moment, into a new file, and checks the copy."""
        self._ask({"backup": {"to": os.fspath(to)}})

    def verify(self) -> dict[str, Any]:
        """Checks the file, its tables and every entry of the log; gives the log's size and root."""
        found: dict[str, Any] = self._ask("verify")
        return found

    def log_entries(self, start: int = 0, most: int = 1000) -> list[dict[str, Any]]:
        """Entries of the audit log from this place on: ``place``, ``kind``, ``at``, ``payload``, ``leaf``."""
        entries: list[dict[str, Any]] = self._ask({"log_entries": {"from": start, "most": most}})
        return entries

    def checkpoint(self, key: Key) -> str:
        """Signs the log's head: whoever keeps the note finds any later change of what it covers."""
        return run(self._native.checkpoint(key._native))

    def checkpoints(self) -> list[str]:
        """The checkpoints that were signed, smallest first."""
        notes: list[str] = self._ask("checkpoints")
        return notes

    def verify_log(self, *, logs: Sequence[str], saved: str | None = None) -> Verdict:
        """Verifies the log against its checkpoints, and one that was kept elsewhere, with these public keys."""
        return Verdict(**self._ask({"verify_log": {"trust": {"logs": list(logs)}, "saved": saved}}))

    def evidence(
        self, of: RunReport | str, key: Key, *, files: Mapping[str, tuple[str, bytes]] | None = None
    ) -> bytes:
        """The evidence pack of a run: plan, decisions, answers, receipts, entries of the log and their proofs.

        ``files`` go in too: ``{"report.html": ("text/html", data)}``. Whoever gets the pack can read them.
        """
        given = [(name, media, data) for name, (media, data) in (files or {}).items()]
        name = of if isinstance(of, str) else of.run
        return run(self._native.evidence(name, given, key._native))

    def forget_before(self, time: datetime, *, by: str, reason: str) -> dict[str, int]:
        """Forgets payloads, documents and records that are older; the log still verifies."""
        question = {"time": millis(time, "time"), "by": by, "reason": reason}
        forgotten: dict[str, int] = self._ask({"forget_before": question})
        return forgotten

    def forget_person(self, person: str, *, by: str, reason: str) -> dict[str, int]:
        """Forgets what a person said, and every payload that tells of them."""
        forgotten: dict[str, int] = self._ask({"forget_person": {"person": person, "by": by, "reason": reason}})
        return forgotten


def verify_evidence(
    pack: bytes, *, logs: Sequence[str] = (), approvers: Sequence[str] = (), saved: str | None = None
) -> Verdict:
    """Checks an evidence pack, offline, with the public keys of logs and people that you trust.

    ``saved`` is a checkpoint that you kept from before: against it, a log that was cut or rewritten is found.
    """
    trust = {"logs": list(logs), "approvers": list(approvers)}
    return Verdict(**run(_native.verify_evidence(pack, trust, saved)))


def sign_evidence(pack: bytes, key: Key) -> bytes:
    """The pack with one more signature of its manifest; verify it before you sign."""
    return run(_native.sign_evidence(pack, key._native))


def _scope(tenant: str, name: str, resource: str) -> dict[str, str]:
    return {"tenant": tenant, "name": name, "resource": resource}


def _noted(noted: dict[str, Any]) -> dict[str, Any]:
    return {**noted, "at": moment(noted["at"])}


def _tracked(found: dict[str, Any]) -> Tracked:
    hidden = found["suppressed"]
    found["suppressed"] = None if hidden is None else {**hidden, "until": moment(hidden["until"])}
    times = {name: maybe(found[name]) for name in ("opened_at", "changed_at", "resolved_at")}
    return Tracked(**{**found, **times})
