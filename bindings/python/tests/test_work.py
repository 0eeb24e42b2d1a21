"""Waiting: Ctrl-C, progress, tasks, threads, memory and the time it takes to import."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pyarrow as pa
import pytest

import trueup as tu
from trueup import _work


def column(rows: int, of: str = "int64") -> pa.Table:
    return pa.table({"id": pa.array(range(rows), of), "x": pa.array(range(rows), "int64")})


def test_progress_is_told() -> None:
    told: list[tuple[str, int, int | None]] = []
    big = column(2_000_000)
    tu.reconcile(big, big, key="id", progress=lambda *state: told.append(state))
    stages = {stage for stage, _, _ in told}
    assert told and all(done >= 0 for _, done, _ in told), stages


def test_an_exception_of_the_callback_ends_the_work() -> None:
    class Slow(tu.Connector):
        def describe(self) -> object:
            fields = [{"name": "n", "type": "int", "role": "key"}]
            return {"system": "s", "resources": [{"name": "r", "fields": fields}]}

        def read_page(self, request: tu.ReadRequest) -> tu.Page:
            time.sleep(0.03)
            n = int(request.cursor or 0)
            return tu.Page([{"n": n}], next=str(n + 1))

    class Enough(Exception):
        pass

    def listen(stage: str, done: int, total: int | None) -> None:
        assert (stage, total) == ("read", None)
        if done >= 3:
            raise Enough

    with pytest.raises(Enough):
        Slow().read("r", progress=listen)

    async def main() -> None:
        with pytest.raises(Enough):
            await Slow().read_async("r", progress=listen)

    asyncio.run(main())


def test_the_bar_is_one_line_that_goes_away() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    out = Terminal()
    bar = _work.Bar(out)
    bar("compare", 50, 100)
    bar("compare", 51, 100)  # too soon after the first
    bar.close()
    assert out.getvalue().count("\r") == 2 and "50 of 100 rows" in out.getvalue()
    quiet = io.StringIO()
    _work.Bar(quiet)("compare", 50, 100)
    assert quiet.getvalue() == ""


def test_tqdm_is_used_where_it_is(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    bar = _work.make_bar()
    assert isinstance(bar, _work.TqdmBar)
    bar("read", 10, None)
    bar("compare", 5, 10)
    bar.close()
    assert "compare" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    assert isinstance(_work.make_bar(), _work.Bar)
    assert tu.reconcile([{"id": 1}], [{"id": 1}], key="id", progress=True).converged


def test_awaiting_does_not_hold_up_the_loop() -> None:
    big = column(1_500_000)

    async def main() -> tuple[tu.Report, int]:
        task = asyncio.create_task(tu.reconcile_async(big, big, key="id"))
        beats = 0
        while not task.done():
            await asyncio.sleep(0.002)
            beats += 1
        return await task, beats

    report, beats = asyncio.run(main())
    assert report.converged and beats >= 3


def test_reports_from_many_threads_are_the_same() -> None:
    digests: list[str] = []
    rows, other = [{"id": n, "x": n} for n in range(500)], [{"id": n, "x": n % 7} for n in range(500)]
    threads = [
        threading.Thread(target=lambda: digests.append(tu.reconcile(rows, other, key="id").digest)) for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(digests) == 16 and len(set(digests)) == 1


INTERRUPTED = """
    import signal, threading, time, os
    import trueup as tu
    {setup}
    threading.Timer(0.4, lambda: (globals().update(at=time.monotonic()), os.kill(os.getpid(), signal.SIGINT))).start()
    try:
        {work}
    except KeyboardInterrupt:
        print("interrupted", time.monotonic() - at < 1.0)
    print(tu.reconcile([{{"id": 1}}], [{{"id": 1}}], key="id").converged)
"""

CONNECTOR = """
    class Slow(tu.Connector):
        def describe(self):
            return {"system": "s", "resources": [{"name": "r", "fields": [{"name": "n", "type": "int"}]}]}
        def read_page(self, request):
            time.sleep(5)
"""
COLUMNS = """
    import pyarrow as pa
    a = pa.table({"id": pa.array(range(6_000_000)), "x": pa.array(range(6_000_000))})
"""


@pytest.mark.parametrize(
    ("setup", "work"),
    [
        (CONNECTOR, "tu.read(Slow(), 'r')"),
        (COLUMNS, "[tu.reconcile(a, a, key='id', threads=1) for _ in range(100)]"),
        ("    rows = [{'id': n, 'a': [n]} for n in range(400_000)]", "[tu.Snapshot(rows) for _ in range(100)]"),
    ],
    ids=["connector", "engine", "rows"],
)
def test_ctrl_c_works_within_a_second(setup: str, work: str) -> None:
    program = textwrap.dedent(INTERRUPTED).format(setup=textwrap.dedent(setup), work=work)
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=100, check=False)
    assert (ran.returncode, ran.stdout) == (0, "interrupted True\nTrue\n"), ran.stderr


def alone(program: str) -> str:
    command = [sys.executable, "-c", textwrap.dedent(program)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=True).stdout


def test_importing_brings_no_other_library() -> None:
    program = """
        import sys
        import trueup
        heavy = {"pyarrow", "pandas", "polars", "numpy", "asyncio", "tqdm", "duckdb"} & set(sys.modules)
        assert not heavy, heavy
    """
    alone(program)


def test_arrow_columns_are_not_copied() -> None:
    program = """
        import resource
        import pyarrow as pa
        import trueup as tu
        def peak():
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        bulk = [pa.array([i] * 4_000_000) for i in range(8)]
        table = pa.table({"id": pa.array(range(4_000_000)), **{f"x{i}": c for i, c in enumerate(bulk)}})
        before = peak()
        snapshot = tu.Snapshot(table)
        out = pa.table(snapshot)
        assert out["x3"].chunks[0].buffers()[1].address == table["x3"].chunks[0].buffers()[1].address
        print((peak() - before) / table.nbytes)
    """
    # A copy would take as much again as the table.
    assert float(alone(program)) < 0.2


def test_memory_is_flat_over_many_runs() -> None:
    program = """
        import gc, os
        import pyarrow as pa
        import trueup as tu
        def resident():
            with open("/proc/self/statm") as file:
                return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        rows = [{"id": n, "x": str(n)} for n in range(300)]
        def once():
            report = tu.reconcile(rows, rows[1:], key="id")
            pa.table(report.findings), report.digest, report.html()
            try:
                tu.reconcile(rows, 5, key="id")
            except TypeError:
                pass
        for _ in range(200): once()
        gc.collect(); start = resident()
        for _ in range(600): once()
        gc.collect(); print((resident() - start) / 2**20)
    """
    if not os.path.exists("/proc/self/statm"):
        pytest.skip("memory is read from /proc")
    assert float(alone(program)) < 8


def test_signals_go_back_to_what_they_were() -> None:
    before = signal.getsignal(signal.SIGINT)
    tu.reconcile([{"id": 1}], [{"id": 1}], key="id")
    assert signal.getsignal(signal.SIGINT) is before
