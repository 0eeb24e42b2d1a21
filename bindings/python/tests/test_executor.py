"""Carrying plans out with connectors written in Python: once, with every outcome on disk."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import traceback
from pathlib import Path
from typing import Any

import pytest

import trueup as tu
from shelf import AsyncShelf, Case, Shelf, slowly

HERE = Path(__file__).resolve().parent
WISH = {1: "Emma", 2: "Dune", 3: "Ulysses"}
STATE = {1: "Ema", 4: "Hamlet"}


@pytest.mark.parametrize("kind", [Shelf, AsyncShelf])
@pytest.mark.parametrize("batch", [1, 10])
def test_a_plan_is_carried_out(kind: type[Shelf], batch: int) -> None:
    told: list[tuple[str, int, int | None]] = []
    case = Case(kind(STATE), WISH, batch=batch)
    run = case.executor.start(case.plan, case.grant(), actual=case.shelf, gate=case.gate)
    report = run.wait(progress=lambda *state: told.append(state))
    assert (report.status, report.counts["done"], str(report)) == ("finished", 4, "finished: 4 done of 4")
    assert all(change.verified for change in report.changes)
    assert case.compare().converged and case.shelf.books == WISH
    assert run.id == report.run and run.events()[-1] == {"event": "ended", "status": "finished"}
    assert told[-1] == ("execute", 4, 4)
    assert case.store.grant(case.grant().id)["run"] == report.run


def test_a_plan_is_carried_out_from_an_event_loop() -> None:
    case = Case(AsyncShelf(STATE), WISH)
    report = asyncio.run(case.executor.execute_async(case.plan, case.grant(), actual=case.shelf, gate=case.gate))
    assert report.counts["done"] == 4 and case.compare().converged


def test_a_grant_is_good_once_and_for_one_plan() -> None:
    case = Case(Shelf(STATE), WISH)
    grant = case.grant()
    case.executor.execute(case.plan, grant, actual=case.shelf, gate=case.gate)
    with pytest.raises(tu.ConflictError, match="executed already"):
        case.executor.execute(case.plan, grant, actual=case.shelf, gate=case.gate)
    assert case.store.log_entries()[-1]["kind"] == "run.refused"
    other = Case(Shelf(STATE), WISH)
    with pytest.raises(tu.ForbiddenError, match="grant is for plan"):
        other.executor.execute(other.plan.without([0]), other.grant(), actual=other.shelf, gate=other.gate)
    assert other.shelf.calls == 0


def test_an_exception_out_of_apply_leaves_every_change_of_the_call_unknown() -> None:
    def fall_over(change: tu.Change) -> None:
        raise ZeroDivisionError(f"at {change.key['id']}")

    case = Case(Shelf(STATE, idempotency="at_most_once", before=fall_over), WISH, batch=10, error_count=100)
    report = case.run()
    assert [change.state for change in report.changes] == ["unknown"] * 4 and report.questions == [0, 1, 2, 3]
    first = report.changes[0]
    assert isinstance(first.exception, ZeroDivisionError) and "ZeroDivisionError" in (first.error or "")
    assert "fall_over" in "".join(traceback.format_exception(first.exception))
    case.executor.answer(report.run, 0, True, by="person:bo", reason="I looked")
    with pytest.raises(tu.ConflictError):
        case.executor.answer(report.run, 0, True, by="person:bo", reason="I looked again")


def test_what_is_unknown_is_found_out_where_the_target_allows_it() -> None:
    seen: set[int] = set()

    def lose_the_answer(change: tu.Change) -> None:
        if change.key["id"] not in seen:
            seen.add(change.key["id"])
            raise ConnectionError("the answer was lost")

    retry = {"attempts": 3, "first_ms": 1, "longest_ms": 2, "patience_ms": 10}
    case = Case(Shelf(STATE, before=lose_the_answer), WISH, retry=retry)
    report = case.run()
    assert report.counts["done"] == 4 and case.compare().converged, report
    assert {change.attempts for change in report.changes} == {2}


def test_receipts_say_what_became_of_each_change() -> None:
    class Moody(Shelf):
        def change(self, change: tu.Change) -> Any:
            said = {
                1: tu.Receipt.stale(),
                2: tu.Receipt.refused(tu.ForbiddenError("no")),
                3: {"state": "failed", "message": "full"},
                4: "done",
            }
            return said[change.key["id"]]

    case = Case(Moody(STATE), WISH, verify=False, error_count=100)
    report = case.run()
    by_id = {change.key["id"]: report.changes[place] for place, change in enumerate(case.plan.changes)}
    assert {id: change.state for id, change in by_id.items()} == {1: "stale", 2: "refused", 3: "failed", 4: "done"}
    assert (by_id[2].error, by_id[3].error) == ("no", "full")


@pytest.mark.parametrize("answer", [None, 5, ["done"], [{"state": "doen"}] * 4, [{"state": "pending"}] * 4])
def test_answers_that_are_no_receipts_are_a_breach_of_the_contract(answer: Any) -> None:
    class Odd(Shelf):
        def apply(self, changes: Any) -> Any:
            return answer

    report = Case(Odd(STATE, idempotency="at_most_once"), WISH, batch=10, error_count=100).run()
    assert [change.state for change in report.changes] == ["unknown"] * 4
    assert "apply" in (report.changes[0].error or "") or "receipt" in (report.changes[0].error or "")


def test_pending_changes_are_asked_after() -> None:
    class Later(Shelf):
        asked = 0

        def change(self, change: tu.Change) -> tu.Receipt:
            super().change(change)
            return tu.Receipt.pending(str(change.key["id"]), check_after=0.01)

        async def status(self, handle: str) -> Any:
            self.asked += 1
            return {"state": "pending", "handle": handle, "check_after": 0.01} if self.asked < 3 else "done"

    case = Case(Later(STATE), WISH)
    report = case.run()
    assert report.counts["done"] == 4 and case.compare().converged


def test_a_run_is_undone() -> None:
    case = Case(Shelf(STATE), WISH)
    done = case.run()
    back = case.plan.rollback(done.effects, reading=case.shelf.read("books").provenance)
    case.plan, case.decision = back.plan, case.policy.decide(back.plan, **case.who)
    assert case.run().counts["done"] == 4 and case.shelf.books == STATE


def test_a_cancelled_task_loses_no_outcome() -> None:
    begun = threading.Event()

    def slow(_: tu.Change) -> None:
        begun.set()
        time.sleep(0.3)

    case = Case(Shelf(STATE, before=slow), WISH, in_flight=1)

    async def main() -> None:
        task = asyncio.create_task(
            case.executor.execute_async(case.plan, case.grant(), actual=case.shelf, gate=case.gate)
        )
        await asyncio.to_thread(begun.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    ended = wait_for(lambda: [entry for entry in case.store.log_entries() if entry["kind"] == "run.ended"])
    assert ended[0]["payload"]["status"] == "cancelled"
    receipts = [entry["payload"] for entry in case.store.log_entries() if entry["kind"] == "change.receipt"]
    done = [receipt for receipt in receipts if receipt["state"] == "done"]
    # What was sent is known to be done, and the shelf has it; the rest was never sent.
    assert len(done) == case.shelf.calls == 1 and case.executor.open_runs() == []


def test_an_await_that_is_dropped_loses_no_outcome() -> None:
    case = Case(Shelf(STATE, before=slowly(0.05)), WISH, in_flight=1)

    async def main() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(
                case.executor.execute_async(case.plan, case.grant(), actual=case.shelf, gate=case.gate), 0.08
            )

    asyncio.run(main())
    wait_for(lambda: [entry for entry in case.store.log_entries() if entry["kind"] == "run.ended"])
    receipts = [entry["payload"]["state"] for entry in case.store.log_entries() if entry["kind"] == "change.receipt"]
    assert receipts.count("done") == case.shelf.calls


def wait_for(question: Any) -> Any:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        answer = question()
        if answer:
            return answer
        time.sleep(0.02)
    raise AssertionError("it never came")


KILLED = """
    import sys, time
    sys.path.insert(0, {here!r})
    import trueup as tu
    from shelf import Case, Shelf, slowly

    class Talking(Shelf):
        def change(self, change):
            print("sent", change.key["id"], flush=True)
            time.sleep({pause})
            return super().change(change)

    case = Case(Talking({{4: "Hamlet"}}), {{n: str(n) for n in range(10)}}, in_flight=1, lease_ms=200)
    case.store = tu.Store({path!r})
    case.executor = tu.Executor(case.store, in_flight=1, lease_ms=200)
    grant = case.grant()
    try:
        case.executor.execute(case.plan, grant, actual=case.shelf, gate=case.gate)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""


def started(path: Path, pause: float) -> subprocess.Popen[str]:
    program = textwrap.dedent(KILLED.format(here=str(HERE), path=str(path), pause=pause))
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline().startswith("sent")
    return process


def test_ctrl_c_ends_a_run_within_a_second_and_loses_nothing(tmp_path: Path) -> None:
    with started(tmp_path / "store.db", 0.2) as process:
        assert process.stdout is not None
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        lines = process.stdout.read().splitlines()
    assert process.returncode == 0 and "interrupted" in lines
    assert time.monotonic() - began < 3  # with the interpreter's exit
    with tu.Store(tmp_path / "store.db", mode="open") as store:
        kinds = [entry["kind"] for entry in store.log_entries()]
        assert kinds[-1] == "run.ended"
        receipts = [entry["payload"] for entry in store.log_entries() if entry["kind"] == "change.receipt"]
        sent = [receipt for receipt in receipts if receipt["state"] == "done"]
        assert len(sent) == kinds.count("change.intent") < 10


def test_a_killed_process_leaves_a_run_that_is_taken_up_again(tmp_path: Path) -> None:
    with started(tmp_path / "store.db", 5) as process:
        os.kill(process.pid, signal.SIGKILL)
    shelf = Shelf({4: "Hamlet"})
    with tu.Store(tmp_path / "store.db", mode="open") as store:
        executor = tu.Executor(store, lease_ms=200)
        [run] = executor.open_runs()
        gate = tu.PolicyGate(tu.Policy.standard(), actor=["agent:sync", "person:ana"])
        report = executor.recover(run, actual=shelf, gate=gate)
        assert (report.status, report.counts["done"]) == ("finished", 10), report
        assert len(shelf.books) == 10 and executor.open_runs() == []


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda case: tu.Executor("store.db"), "`store`"),
        (lambda case: case.executor.start(case.plan, "yes", gate=case.gate), "`grant`"),
        (lambda case: case.executor.start(case.plan, case.grant(), gate=case.policy), "`gate`"),
        (lambda case: tu.PolicyGate("standard", actor="a"), "`policy`"),
        (lambda case: case.policy.decide(case.plan, actor="a", nwo=1), "nwo"),
        (lambda case: case.store.keep(5), "int"),
    ],
)
def test_a_wrong_type_names_its_argument(call: Any, named: str) -> None:
    with pytest.raises(TypeError) as caught:
        call(Case(Shelf(STATE), WISH))
    assert named in str(caught.value)


def test_bad_input_gets_its_kind() -> None:
    case = Case(Shelf(STATE), WISH)
    with pytest.raises(tu.InvalidError, match="`in_fligth`"):
        tu.Executor(case.store, in_fligth=1).start(case.plan, case.grant(), gate=case.gate, actual=case.shelf)
    with pytest.raises(tu.InvalidError, match="no system was given"):
        case.executor.execute(case.plan, case.grant(), gate=case.gate)
    with pytest.raises(tu.UnsupportedError, match="can only be read"):
        case.executor.execute(case.plan, case.grant(), gate=case.gate, actual=tu.layered(case.shelf, read_only=True))
    with pytest.raises(tu.NotFoundError, match="no run"):
        case.executor.recover("0" * 32, gate=case.gate, actual=case.shelf)
    assert case.shelf.calls == 0
