"""Many runs with connectors that raise, stall and are cancelled: nothing hangs, leaks or is lost."""

from __future__ import annotations

import asyncio
import os
import random
import resource
import threading
import time

import trueup as tu
from shelf import AsyncShelf, Case, Shelf

RUNS = 10_000 if os.environ.get("TRUEUP_DEEP") else 120
RETRY = {"attempts": 2, "first_ms": 1, "longest_ms": 1, "patience_ms": 1}


def one(chance: random.Random) -> None:
    carried: set[int] = set()

    def moods(change: tu.Change) -> None:
        mood = chance.random()
        if mood < 0.1:
            raise chance.choice([ConnectionError, ValueError, tu.UnavailableError])("a bad day")
        if mood < 0.2:
            time.sleep(0.002)

    class Moody(AsyncShelf if chance.random() < 0.5 else Shelf):  # type: ignore[misc]
        def change(self, change: tu.Change) -> tu.Receipt:
            receipt = super().change(change)
            carried.add(change.key["id"])
            return receipt

    shelf = Moody({n: "old" for n in range(6)}, idempotency="at_most_once", before=moods)
    case = Case(shelf, {n: "new" for n in range(6)}, in_flight=2, retry=RETRY, error_count=100, verify=False)
    run = case.executor.start(case.plan, case.grant(), actual=shelf, gate=case.gate)
    if chance.random() < 0.3:
        time.sleep(chance.random() * 0.01)
        run.cancel()
    try:
        report = run.wait() if chance.random() < 0.5 else asyncio.run(run.wait_async())
    except tu.CancelledError:
        # Cancelled before it began: then the grant is not used, and nothing was sent.
        assert not carried and case.executor.open_runs() == []
        return
    ids = [change.key["id"] for change in case.plan.changes]
    done = {ids[change.place] for change in report.changes if change.state == "done"}
    unknown = {ids[change.place] for change in report.changes if change.state == "unknown"}
    # What was done is known to be done; what may have been is asked about; nothing else took place.
    assert done <= carried <= done | unknown, report
    assert case.executor.open_runs() == []


def test_nothing_hangs_leaks_or_is_lost() -> None:
    chance = random.Random(20)
    for _ in range(RUNS // 4):
        one(chance)
    threads, memory = threading.active_count(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(RUNS - RUNS // 4):
        one(chance)
    assert threading.active_count() <= threads + 4
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < memory * 1.25 + 20_000
