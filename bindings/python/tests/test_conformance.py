"""The conformance suite over connectors of Python: it passes good ones, finds bad ones, and works on other people's."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import trueup as tu
from shelf import AsyncShelf, Shelf

ROOT = Path(__file__).resolve().parents[1]
BOOKS = {n: f"book {n}" for n in range(30)}


def subject(kind: type[Shelf]) -> Callable[[], tu.Subject]:
    def make() -> tu.Subject:
        shelf = kind(BOOKS)
        rows = [{"id": id, "title": title} for id, title in BOOKS.items()]
        fresh = [{"id": 100 + n, "title": f"fresh {n}"} for n in range(6)]

        def fall() -> None:
            def fallen(request: tu.ReadRequest) -> Any:
                raise tu.UnavailableError("the shelf fell over")

            shelf.read_page = fallen  # type: ignore[method-assign]

        return tu.Subject(shelf, truth={"books": rows}, writes=("books", fresh), break_source=fall)

    return make


@pytest.mark.parametrize("kind", [Shelf, AsyncShelf])
def test_good_connectors_pass(kind: type[Shelf]) -> None:
    told: list[tuple[str, int, int | None]] = []
    kept = tu.conformance(subject(kind), progress=lambda *state: told.append(state))
    assert len(kept) >= 25 and "writes" in kept and told[-1][0] == "conformance"


class Loses(Shelf):
    def read_page(self, request: tu.ReadRequest) -> Any:
        return {"records": super().read_page(request)["records"][1:]}


class Blind(Shelf):
    def change(self, change: tu.Change) -> tu.Receipt:
        self.books[change.key["id"]] = change.after.get("title", "")
        return tu.Receipt.done()


class Lies(Shelf):
    def change(self, change: tu.Change) -> tu.Receipt:
        return tu.Receipt.done()


@pytest.mark.parametrize(
    ("kind", "promise"), [(Loses, "paging"), (Blind, "stale"), (Lies, "writes")], ids=lambda it: str(it)
)
def test_bad_connectors_are_found(kind: type[Shelf], promise: str) -> None:
    with pytest.raises(tu.ProtocolError, match=f"the promise `{promise}` is broken"):
        tu.conformance(subject(kind))


def test_what_fails_beside_the_connector_is_its_own_error() -> None:
    def make() -> tu.Subject:
        raise RuntimeError("no room for a shelf")

    with pytest.raises(tu.Error, match="no room for a shelf") as caught:
        tu.conformance(make)
    assert isinstance(caught.value.__cause__, RuntimeError)
    with pytest.raises(TypeError, match="`make`"):
        tu.conformance(5)  # type: ignore[arg-type]


def test_the_template_passes_its_own_tests() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    ran = subprocess.run(command, cwd=ROOT / "template", capture_output=True, text=True, check=False)
    assert ran.returncode == 0 and "2 passed" in ran.stdout, ran.stdout + ran.stderr


USED = """
import json, sys
import trueup as tu
from trueup_notes import Notes

path = sys.argv[1]
json.dump({"notes": [{"name": "a", "text": "old", "stars": 1}], "archive": []}, open(path, "w"))
notes = Notes(path)
wish = [{"name": "a", "text": "new", "stars": 1}]
def compare():
    return tu.reconcile(wish, notes.read("notes"), key="name", name="notes", resource="notes")
plan, policy, store = compare().plan(), tu.Policy.standard(), tu.Store(path + ".db")
decision = policy.decide(plan, actor="agent:sync")
grant = decision.question().standing([]).grant
store.keep(plan, decision)
gate = tu.PolicyGate(policy, actor="agent:sync")
print(tu.Executor(store).execute(plan, grant, actual=notes, gate=gate), compare().converged)
"""


def test_a_connector_in_somebody_elses_wheel_works(tmp_path: Path) -> None:
    [wheel] = (ROOT / "dist").glob("*.whl")
    build = [sys.executable, "-m", "pip", "-q", "wheel", "--no-deps", "--no-build-isolation", "--no-index"]
    copy = tmp_path / "source"
    for file in ("pyproject.toml", "src/trueup_notes/__init__.py", "src/trueup_notes/py.typed"):
        (copy / file).parent.mkdir(parents=True, exist_ok=True)
        (copy / file).write_bytes((ROOT / "template" / file).read_bytes())
    subprocess.run([*build, "-w", str(tmp_path / "wheels"), str(copy)], check=True)
    [other] = (tmp_path / "wheels").glob("*.whl")
    venv.create(tmp_path / "empty", with_pip=True)
    python = str(tmp_path / "empty" / "bin" / "python")
    subprocess.run([python, "-m", "pip", "-q", "--disable-pip-version-check", "install", "--no-index", str(wheel), str(other)], check=True)
    ran = subprocess.run([python, "-I", "-c", USED, str(tmp_path / "notes.json")], capture_output=True, text=True, check=False)
    assert ran.stdout.strip() == "finished: 1 done of 1 True", ran.stderr


def test_host_calls_end_with_their_callers() -> None:
    """A call whose answer nobody waits for any more is told so: no thread goes on behind a timeout."""

    class Stuck(Shelf):
        async def read_page(self, request: tu.ReadRequest) -> Any:
            await asyncio.sleep(3600)

    stuck = tu.layered(Stuck(), timeout={"ask_ms": 20})
    before = threading.active_count()
    for _ in range(20):
        with pytest.raises(tu.UnavailableError):
            stuck.read("books")
    assert threading.active_count() <= before + 6
