"""Connectors: those that come along, and those written in Python, under the same engine and the same checks."""

from __future__ import annotations

import asyncio
import gc
import os
import sqlite3
import subprocess
import sys
import textwrap
import threading
import traceback
import weakref
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import trueup as tu

FIELDS = [{"name": "n", "type": "int", "role": "key"}, {"name": "on", "type": "date"}]


class Numbers:
    """A connector that knows nothing of trueup: as in somebody else's package."""

    def __init__(self, pages: list[Any]) -> None:
        self.pages = pages

    def describe(self) -> Any:
        return {"system": "numbers", "tenant": "acme", "resources": [{"name": "small", "fields": FIELDS}]}

    def read_page(self, request: Any) -> Any:
        page = self.pages[int(request.cursor or 0)]
        return page() if callable(page) else page


class Later(Numbers):
    """The same with coroutines."""

    loops: list[asyncio.AbstractEventLoop]

    async def describe(self) -> Any:
        self.loops = [asyncio.get_running_loop()]
        await asyncio.sleep(0)
        return super().describe()

    async def check(self) -> None:
        await asyncio.sleep(0)

    async def read_page(self, request: Any) -> Any:
        await asyncio.sleep(0.001)
        self.loops.append(asyncio.get_running_loop())
        return super().read_page(request)


ROWS = [{"n": 1, "on": "2026-01-31"}, {"n": 2}, {"n": 3, "on": None}]
TABLE = pa.Table.from_pylist([{"n": 4, "on": None}], pa.schema([("n", pa.int64()), ("on", pa.date32())]))
PAGES: list[Any] = [{"records": ROWS, "next": "1"}, tu.Page([], next="2"), {"records": TABLE}]


@pytest.mark.parametrize("kind", [Numbers, Later])
def test_a_connector_in_python_is_read_whole(kind: type[Numbers]) -> None:
    connector = kind(PAGES)
    snapshot = tu.read(connector, "small")
    assert len(snapshot) == 4
    assert snapshot.fields[0]["role"] == "key" and snapshot.fields[1]["type"] == "date"
    assert (snapshot.provenance["system"], snapshot.provenance["tenant"]) == ("numbers", "acme")
    tu.check(connector)
    assert tu.describe(connector)["resources"][0]["name"] == "small"


@pytest.mark.parametrize("kind", [Numbers, Later])
def test_a_connector_in_python_is_awaited(kind: type[Numbers]) -> None:
    async def main() -> tuple[tu.Snapshot, dict[str, Any]]:
        await tu.check_async(connector)
        said = await tu.describe_async(connector)
        if isinstance(connector, Later):
            snapshot = await tu.read_async(connector, "small")
            assert set(connector.loops) == {asyncio.get_running_loop()}, "coroutines run on the caller's loop"
            return snapshot, said
        return await tu.read_async(connector, "small"), said

    connector = kind(PAGES)
    snapshot, said = asyncio.run(main())
    assert (len(snapshot), said["system"]) == (4, "numbers")


def fails() -> Any:
    raise KeyError("devices")


@pytest.mark.parametrize("kind", [Numbers, Later])
def test_an_exception_arrives_as_the_cause_with_its_traceback(kind: type[Numbers]) -> None:
    with pytest.raises(tu.ProtocolError, match="the connector raised `KeyError: 'devices'`") as caught:
        tu.read(kind([fails]), "small")
    cause = caught.value.__cause__
    assert isinstance(cause, KeyError)
    assert "fails" in [frame.name for frame in traceback.extract_tb(cause.__traceback__)]

    async def main() -> None:
        await tu.read_async(kind([fails]), "small")

    with pytest.raises(tu.ProtocolError) as caught:
        asyncio.run(main())
    assert isinstance(caught.value.__cause__, KeyError)


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (tu.ThrottledError("too many calls"), "throttled"),
        (tu.ForbiddenError("not yours"), "forbidden"),
        (ConnectionResetError("gone"), "unavailable"),
        (TimeoutError("too long"), "unavailable"),
        (NotImplementedError("later"), "unsupported"),
        (SystemExit(3), "protocol"),
        (KeyboardInterrupt(), "protocol"),
    ],
)
def test_exceptions_have_kinds(raised: BaseException, kind: str) -> None:
    def throw() -> Any:
        raise raised

    with pytest.raises(tu.Error) as caught:
        tu.read(Numbers([throw]), "small")
    assert caught.value.kind == kind
    assert caught.value.__cause__ is raised
    if isinstance(raised, tu.Error):
        assert str(caught.value) == str(raised)


BREACHES: list[tuple[list[Any], str]] = [
    ([{"records": ROWS, "next": "0"}, {"records": ROWS, "next": "0"}], "given twice"),
    ([{"records": pa.table({"n": [1]})}], "a page has the columns"),
    ([{"records": ROWS, "nxt": "1"}], "no member `nxt`"),
    ([{"records": ROWS, "next": 5}], "a page is wrong"),
    ([{"records": [{"n": "x"}]}], "does not fit the type int"),
    ([{"records": [{"m": 1}]}], "unknown field `m`"),
    ([{"records": ROWS, "removed": [{"id": "7"}]}], "removed"),
    ([{"records": ROWS, "coverage": "some"}], "coverage"),
    ([None], "records"),
    ([5], "records"),
]


@pytest.mark.parametrize(("pages", "piece"), BREACHES)
def test_breaches_of_the_contract_are_told(pages: list[Any], piece: str) -> None:
    with pytest.raises(tu.Error) as caught:
        tu.read(Numbers(pages), "small")
    assert piece in str(caught.value), caught.value
    assert caught.value.kind in ("protocol", "data")


def test_an_unknown_resource_is_answered_with_the_nearest() -> None:
    with pytest.raises(tu.NotFoundError, match="did you mean `small`"):
        tu.read(Numbers(PAGES), "smal")


def test_what_it_covers_and_claims_is_kept() -> None:
    class Some(tu.Connector):
        def describe(self) -> Any:
            able = {"page_size": True, "consistency": "snapshot"}
            return {"system": "s", "capability": able, "resources": [{"name": "r", "fields": FIELDS}]}

        def read_page(self, request: tu.ReadRequest) -> Any:
            self.asked = request
            return tu.Page(ROWS, coverage={"within": {"field": "n", "from": 1}}, resume="t-1")

    connector = Some()
    snapshot = connector.read("r")
    assert snapshot.coverage == {"within": {"field": "n", "from": 1}}
    assert (snapshot.consistency, snapshot.provenance["cursor"]) == ("snapshot", "t-1")
    [page] = connector.pages("r", page_size=3)
    assert connector.asked == tu.ReadRequest("r", page_size=3)
    assert (len(page.records), page.resume) == (3, "t-1")
    with pytest.raises(tu.UnsupportedError, match="page"):
        next(iter(tu.Connector.pages(Numbers(PAGES), "small", page_size=3)))  # type: ignore[arg-type]


def test_deltas() -> None:
    class Changing(tu.Connector):
        def describe(self) -> Any:
            able = {"delta": True}
            return {"system": "s", "capability": able, "resources": [{"name": "r", "fields": FIELDS}]}

        async def read_page(self, request: tu.ReadRequest) -> Any:
            if request.since is None:
                return tu.Page(ROWS, resume="t-1")
            assert request.since == "t-1"
            return tu.Page([{"n": 9}], removed=[{"key": [2]}], resume="t-2")

    connector = Changing()
    whole = connector.read("r")
    delta = connector.read_delta("r", whole.provenance["cursor"])
    assert (len(delta.records), delta.removed) == (1, [{"key": [2]}])
    assert delta.records.provenance["cursor"] == "t-2"
    assert asyncio.run(tu.read_delta_async(connector, "r", "t-1")).removed == delta.removed
    index = tu.Incremental(tu.Reconciliation(key="n"), whole, whole)
    index.change("actual", delta.records)
    index.remove("actual", [{"n": gone["key"][0]} for gone in delta.removed])
    assert (index.report().counts.unexpected, index.report().counts.missing) == (1, 1)
    with pytest.raises(tu.UnsupportedError, match="no deltas"):
        tu.read_delta(Numbers(PAGES), "small", "t-1")


def test_a_connector_from_a_worker_thread() -> None:
    caught: list[BaseException] = []

    def work() -> None:
        try:
            tu.read(Later([fails]), "small")
        except tu.ProtocolError as error:
            caught.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(20)
    assert len(caught) == 1


def test_a_loop_that_closes_under_a_reading_is_an_error() -> None:
    connector = Later([lambda: {"records": ROWS}])
    source = tu._native.Source.host(connector, loop := asyncio.new_event_loop())
    loop.close()
    work = source.read("small", None)
    assert work.wait(20)
    with pytest.raises(tu.UnavailableError, match="the event loop is closed"):
        work.result()


def test_cancelling_the_task_cancels_the_reading() -> None:
    entered, left = threading.Event(), threading.Event()

    class Slow(Later):
        async def read_page(self, request: Any) -> Any:
            entered.set()
            try:
                await asyncio.sleep(3600)
            finally:
                left.set()

    async def main() -> None:
        task = asyncio.create_task(tu.read_async(Slow([]), "small"))
        while not entered.is_set():
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        while not left.is_set():
            await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(main(), 20))


def test_a_connector_is_let_go() -> None:
    connector = Numbers(PAGES)
    connector.me = connector  # type: ignore[attr-defined]
    gone = weakref.ref(connector)
    tu.read(connector, "small")
    del connector
    for _ in range(100):
        gc.collect()
        if gone() is None:
            return
        threading.Event().wait(0.05)
        tu.read(Numbers(PAGES), "small")
    raise AssertionError("the connector is still held")


def test_many_readings_at_once_that_raise_stall_and_cancel() -> None:
    class Any3(Later):
        async def read_page(self, request: Any) -> Any:
            which = next(counter) % 3
            if which == 0:
                raise OSError("broken pipe")
            if which == 1:
                await asyncio.sleep(30)
            return {"records": ROWS}

    counter = iter(range(10**9))

    async def one() -> str:
        try:
            await asyncio.wait_for(tu.read_async(Any3([]), "small"), 2)
        except asyncio.TimeoutError:
            return "timeout"
        except tu.Error as error:
            return error.kind
        return "read"

    async def main() -> list[str]:
        return await asyncio.gather(*(one() for _ in range(90)))

    outcomes = asyncio.run(main())
    assert {name: outcomes.count(name) for name in set(outcomes)} == {"protocol": 30, "timeout": 30, "read": 30}


def run_alone(code: str) -> subprocess.CompletedProcess[str]:
    """A program of its own, with a connector that sleeps."""
    start = """
        import asyncio, os, sys, threading, time
        import trueup as tu
        class Sleepy(tu.Connector):
            def describe(self):
                fields = [{"name": "n", "type": "int", "role": "key"}]
                return {"system": "s", "resources": [{"name": "r", "fields": fields}]}
            def read_page(self, request):
                time.sleep(float(request.cursor or 0))
                return {"records": [{"n": 1}]}
    """
    program = textwrap.dedent(start) + textwrap.dedent(code)
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)


def test_the_interpreter_ends_while_readings_go_on() -> None:
    ran = run_alone("""
        class Never(Sleepy):
            async def read_page(self, request):
                await asyncio.sleep(3600)
        for connector in (Sleepy(), Never()):
            threading.Thread(target=lambda c=connector: tu.read(c, "r"), daemon=True).start()
        tu._native.Source.host(Never(), None).read("r", None)
        time.sleep(0.3)
        print("bye")
    """)
    assert (ran.returncode, ran.stdout) == (0, "bye\n"), ran.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_process_that_forks() -> None:
    ran = run_alone("""
        import warnings; warnings.simplefilter("ignore")
        files = tu.Files("none.csv")
        assert len(Sleepy().read("r")) == 1
        child = os.fork()
        if child == 0:
            assert len(Sleepy().read("r")) == 1
            assert tu.reconcile([{"n": 1}], [{"n": 2}], key="n").counts.missing == 1
            try:
                files.describe()
            except tu.UnsupportedError as error:
                assert "before the process forked" in str(error)
                os._exit(7)
            os._exit(1)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        assert len(Sleepy().read("r")) == 1
    """)
    assert (ran.returncode, ran.stdout) == (0, "7\n"), ran.stderr


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "stock.csv"
    path.write_text("sku;count\n007;3\n008;4\n")
    files = tu.Files({"path": path, "key": ["sku"], "csv": {"delimiter": ";"}}, tenant="acme", threads=1)
    files.check()
    stock = files.read("stock")
    assert [(f["name"], f["type"], f["role"]) for f in stock.fields] == [("sku", "text", "key"), ("count", "int", "data")]
    assert stock.provenance["tenant"] == "acme"
    pages = list(files.pages("stock", page_size=1))
    assert [page.records.to_dicts()[0]["sku"] for page in pages] == ["007", "008"]
    assert len(asyncio.run(files.read_async("stock"))) == 2
    with pytest.raises(tu.InvalidError, match="cursor"):
        files.read_page(tu.ReadRequest("stock", cursor="x"))


def test_sqlite(tmp_path: Path) -> None:
    path = tmp_path / "inventory.db"
    with sqlite3.connect(path) as database:
        database.execute("create table packages (name text primary key, kib integer)")
        database.executemany("insert into packages values (?, ?)", [("bash", 7164), ("zsh", 2478)])
    sqlite = tu.Sqlite(path, resources=["packages", {"name": "big", "query": "select * from packages where kib > 5000"}])
    assert [resource["name"] for resource in sqlite.describe()["resources"]] == ["packages", "big"]
    assert tu.reconcile(sqlite.read("packages"), [{"name": "bash", "kib": 7164}], key="name").counts.missing == 1
    assert asyncio.run(sqlite.read_async("big")).provenance["resource"] == "big"


def test_a_built_in_connector_inside_one_of_python(tmp_path: Path) -> None:
    path = tmp_path / "stock.csv"
    path.write_text("sku,count\n007,3\n008,4\n")

    class Shouting(tu.Connector):
        inner = tu.Files(path)

        def describe(self) -> Any:
            return self.inner.describe()

        def read_page(self, request: tu.ReadRequest) -> Any:
            page = self.inner.read_page(request)
            rows = [{**row, "sku": row["sku"] + "!"} for row in page.records]
            return tu.Page(rows, next=page.next)

    assert Shouting().read("stock").fields == Shouting.inner.read("stock").fields
    report = tu.reconcile(Shouting().read("stock"), [{"sku": "007!", "count": 3}], key="sku")
    assert (report.counts.matched, report.counts.missing) == (1, 1)
