"""A small system in Python that can be read and written, and misbehave."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import trueup as tu

FIELDS = [
    {"name": "id", "type": "int", "role": "key", "writable": True},
    {"name": "title", "type": "text", "writable": True},
]


class Shelf(tu.Connector):
    """Books by id, in memory. `before` is called ahead of each write; what it raises comes out of `apply`."""

    def __init__(
        self,
        books: dict[int, str] | None = None,
        *,
        idempotency: Any = "conditional",
        before: Callable[[tu.Change], object] | None = None,
    ) -> None:
        self.books = dict(books or {})
        self.idempotency = idempotency
        self.before = before
        self.calls = 0
        self.lock = threading.Lock()

    def describe(self) -> Any:
        books = {"name": "books", "fields": FIELDS, "idempotency": self.idempotency}
        return {"system": "shelf", "instance": "test", "resources": [books]}

    def read_page(self, request: tu.ReadRequest) -> Any:
        if request.cursor is not None:
            raise tu.InvalidError(f"`{request.cursor}` is no cursor of the shelf")
        if request.resource != "books":
            raise tu.NotFoundError(f"there is no resource `{request.resource}`")
        return {"records": [{"id": id, "title": title} for id, title in list(self.books.items())]}

    def apply(self, changes: Sequence[tu.Change]) -> Any:
        self.calls += 1
        return [self.change(change) for change in changes]

    def change(self, change: tu.Change) -> tu.Receipt:
        if self.before is not None:
            self.before(change)
        with self.lock:
            id = change.key["id"]
            record = {"id": id, "title": self.books[id]} if id in self.books else None
            standing = change.standing(record)
            if standing == "stale":
                return tu.Receipt.stale()
            if standing == "holds":
                self.books.pop(id, None)
                if change.operation != "delete":
                    self.books[change.after.get("id", id)] = change.after.get("title", (record or {}).get("title"))
        return tu.Receipt.done()


class AsyncShelf(Shelf):
    """The same with coroutines."""

    async def apply(self, changes: Sequence[tu.Change]) -> Any:
        await asyncio.sleep(0)
        return [self.change(change) for change in changes]

    async def read_page(self, request: tu.ReadRequest) -> Any:
        await asyncio.sleep(0)
        return super().read_page(request)


class Case:
    """Everything up to the run: a wish, a shelf, a plan, a grant."""

    def __init__(self, shelf: Shelf, wish: dict[int, str], **settings: Any) -> None:
        self.shelf = shelf
        rows = [{"id": id, "title": title} for id, title in wish.items()]
        self.wish = tu.Snapshot(rows, schema={"id": "int", "title": "text"})
        self.store = tu.Store(mode="in_memory")
        self.policy = tu.Policy.standard()
        self.who: tu.Request = {"actor": ["agent:sync", "person:ana"]}
        self.plan = self.compare().plan()
        self.decision = self.policy.decide(self.plan, **self.who)
        self.executor = tu.Executor(self.store, **settings)

    def compare(self) -> tu.Report:
        return tu.reconcile(self.wish, self.shelf.read("books"), key="id", name="books", resource="books")

    @property
    def gate(self) -> tu.PolicyGate:
        return tu.PolicyGate(self.policy, **self.who)

    def answers(self) -> list[tu.Approval]:
        question = self.decision.question()
        return [question.approve(f"person:{name}", roles="owner").attest("desk") for name in ("bo", "cy")]

    def grant(self) -> tu.Grant:
        answers = self.answers()
        grant = self.decision.question().standing(answers).grant
        assert grant is not None
        self.store.keep(self.plan, self.decision, *answers, grant)
        return grant

    def run(self) -> tu.RunReport:
        return self.executor.execute(self.plan, self.grant(), actual=self.shelf, gate=self.gate)


def slowly(seconds: float) -> Callable[[tu.Change], None]:
    return lambda _: time.sleep(seconds)
