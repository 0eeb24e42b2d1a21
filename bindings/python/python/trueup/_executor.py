"""Carrying plans out, once: every step on disk before it is taken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from . import _native
from ._approvals import Grant
from ._connector import AnyConnector, opened, opened_async
from ._guard import PolicyGate
from ._plan import Effect, Plan
from ._store import Store
from ._work import Progress, run, wait


@dataclass(frozen=True)
class ChangeReport:
    """What became of one change."""

    place: int
    """Its place in the plan."""
    state: str
    """``done``, ``pending``, ``stale``, ``refused``, ``failed`` or ``unknown``."""
    attempts: int
    id: str | None
    version: str | None
    verified: bool | None
    """Whether it was found in the target when that was read back; ``None`` where nobody looked."""
    error: str | None
    exception: BaseException | None = field(default=None, compare=False)
    """What a connector's ``apply`` raised, with its traceback."""


@dataclass(frozen=True)
class RunReport:
    """What became of a run; shown, it is one line of text."""

    run: str
    """The run's name."""
    status: Literal["finished", "stopped", "cancelled", "waiting"]
    reason: str | None
    """Why it stopped."""
    counts: dict[str, int]
    changes: list[ChangeReport]
    """Every change, in the order of the plan."""
    effects: list[Effect]
    """The changes that took place: what :meth:`Plan.rollback` takes."""
    questions: list[int]
    """The places of changes of which nobody knows whether they took place: a person is asked."""
    text: str = field(repr=False)

    def __str__(self) -> str:
        return self.text


class Run:
    """A run that goes on by itself; losing this handle, or not waiting, does not stop it."""

    def __init__(self, native: _native.Run) -> None:
        self._native = native
        self._work = native.work()

    @property
    def id(self) -> str | None:
        """Its name, as soon as it has begun."""
        return self._native.id()

    def events(self) -> list[dict[str, Any]]:
        """What happened since the last call: each change's state, waits, the end of waves and of the run."""
        return self._native.events()

    def cancel(self) -> None:
        """Asks it to stop: what is under way is finished and written down, nothing more is sent."""
        self._work.cancel()

    def wait(self, *, progress: bool | Progress | None = None) -> RunReport:
        """Waits for its end. Ctrl-C cancels it, which loses nothing: the store knows what was done."""
        return _report(run(self._work, progress))

    async def wait_async(self, *, progress: bool | Progress | None = None) -> RunReport:
        """:meth:`wait` without holding up the event loop; cancelling the task cancels the run."""
        return _report(await wait(self._work, progress))


class Executor:
    """Carries plans out. Nothing without a grant, nothing that is not on disk, and nothing twice.

    A change of unknown outcome is settled as its target allows, or a person is asked. Settings are ``in_flight``,
    ``batch``, ``retry``, ``error_share``, ``error_count``, ``lease_ms``, ``pending_ms``, ``verify`` and
    ``clock_back_ms``. The systems that a plan writes to are given as ``actual`` and ``expected``.
    """

    def __init__(self, store: Store, **settings: Any) -> None:
        if not isinstance(store, Store):
            raise TypeError(f"`store` must be a Store, not {type(store).__name__}")
        self._store, self._settings = store, settings

    def execute(
        self,
        plan: Plan,
        grant: Grant,
        *,
        gate: PolicyGate,
        actual: AnyConnector | None = None,
        expected: AnyConnector | None = None,
        progress: bool | Progress | None = None,
    ) -> RunReport:
        """Carries a plan out, and waits for its end."""
        return self.start(plan, grant, gate=gate, actual=actual, expected=expected).wait(progress=progress)

    async def execute_async(
        self,
        plan: Plan,
        grant: Grant,
        *,
        gate: PolicyGate,
        actual: AnyConnector | None = None,
        expected: AnyConnector | None = None,
        progress: bool | Progress | None = None,
    ) -> RunReport:
        """:meth:`execute` without holding up the event loop. A task that is cancelled cancels the run, which first
        finishes what is under way: no outcome is lost."""
        begun = self._run(plan, grant, None, await _systems_async(actual, expected), gate)
        return await begun.wait_async(progress=progress)

    def start(
        self,
        plan: Plan,
        grant: Grant,
        *,
        gate: PolicyGate,
        actual: AnyConnector | None = None,
        expected: AnyConnector | None = None,
    ) -> Run:
        """Begins to carry a plan out, and does not wait."""
        if not isinstance(grant, Grant):
            raise TypeError(f"`grant` must be a Grant, not {type(grant).__name__}")
        return self._run(plan, grant, None, _systems(actual, expected), gate)

    def recover(
        self,
        run: str,
        *,
        gate: PolicyGate,
        actual: AnyConnector | None = None,
        expected: AnyConnector | None = None,
        plan: Plan | None = None,
        progress: bool | Progress | None = None,
    ) -> RunReport:
        """Takes a run up again: finds out what became of changes that may have been sent, and goes on with the rest.

        The plan is taken from the store, but for one that writes secrets: hand that in again.
        """
        return self._run(plan, None, run, _systems(actual, expected), gate).wait(progress=progress)

    def open_runs(self) -> list[str]:
        """Runs that have not ended: their process did, or they wait for pending changes."""
        return run(self._store._native.open_runs())

    def answer(self, run_id: str, place: int, took_place: bool, *, by: str, reason: str) -> None:
        """What a person says became of a change that nobody knew about: whether it took place."""
        run(self._store._native.answer_for(run_id, place, took_place, by, reason))

    def _run(
        self,
        plan: Plan | None,
        grant: Grant | None,
        name: str | None,
        systems: list[tuple[str, _native.Source]],
        gate: PolicyGate,
    ) -> Run:
        if not isinstance(gate, PolicyGate):
            raise TypeError(f"`gate` must be a PolicyGate, not {type(gate).__name__}")
        what = None if plan is None else plan._native, None if grant is None else grant._native, name
        return Run(self._store._native.run(self._settings, *what, systems, gate._native, True))


def _systems(actual: AnyConnector | None, expected: AnyConnector | None) -> list[tuple[str, _native.Source]]:
    sides = {"actual": actual, "expected": expected}
    return [(side, opened(connector)) for side, connector in sides.items() if connector is not None]


async def _systems_async(
    actual: AnyConnector | None, expected: AnyConnector | None
) -> list[tuple[str, _native.Source]]:
    sides = {"actual": actual, "expected": expected}
    return [(side, await opened_async(connector)) for side, connector in sides.items() if connector is not None]


def _report(said: Mapping[str, Any]) -> RunReport:
    members = dict(said)
    exceptions = members.pop("exceptions")
    changes = [ChangeReport(**change, exception=exceptions.get(change["place"])) for change in members["changes"]]
    effects = [Effect(**effect) for effect in members["effects"]]
    return RunReport(**{**members, "changes": changes, "effects": effects})
