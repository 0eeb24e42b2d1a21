"""Notes in a JSON file, as a system that trueup reads and writes."""

from __future__ import annotations

import asyncio
import json
import os
import threading
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import trueup as tu

__all__ = ["AsyncNotes", "Notes"]

PAGE = 20
FIELDS = [
    {"name": "name", "type": "text", "role": "key", "writable": True},
    {"name": "text", "type": "text", "writable": True},
    {"name": "stars", "type": "int", "writable": True},
]
RESOURCES = ("notes", "archive")


class Notes(tu.Connector):
    """Two lists of notes in one JSON file: ``notes``, which may be written, and ``archive``, which may not."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        # One writer at a time: that is what makes the check of a precondition and the effect one step.
        self._lock = threading.Lock()

    def describe(self) -> Mapping[str, Any]:
        return {
            "system": "notes",
            "instance": str(self._path),
            "capability": {"page_size": True},
            "resources": [
                {"name": "notes", "fields": FIELDS, "idempotency": "conditional"},
                {"name": "archive", "fields": FIELDS},
            ],
        }

    def check(self) -> None:
        self._load()

    def read_page(self, request: tu.ReadRequest) -> tu.Page:
        if request.resource not in RESOURCES:
            raise tu.NotFoundError(f"there is no resource `{request.resource}`; there are {', '.join(RESOURCES)}")
        records, after = self._load()[request.resource], self._after(request)
        # The cursor is the last name that was read, so that notes made meanwhile move nothing.
        names = sorted(name for name in records if name > after)
        page = [records[name] for name in names[: request.page_size or PAGE]]
        more = len(names) > len(page)
        return tu.Page(page, next=self._cursor(request.resource, page[-1]["name"]) if more else None)

    def apply(self, changes: Sequence[tu.Change]) -> list[tu.Receipt]:
        return [self._change(change) for change in changes]

    def _change(self, change: tu.Change) -> tu.Receipt:
        with self._lock:
            everything = self._load()
            records, name = everything[change.resource], change.key["name"]
            standing = change.standing(records.get(name))
            if standing == "already":
                return tu.Receipt.done()
            renamed = change.after.get("name", name)
            if standing == "stale" or (renamed != name and renamed in records):
                return tu.Receipt.stale()
            record = records.pop(name, {"name": name, "text": None, "stars": None})
            if change.operation != "delete":
                records[renamed] = {**record, **change.after}
            self._save(everything)
            return tu.Receipt.done()

    @staticmethod
    def _cursor(resource: str, name: str) -> str:
        """Where the page after this name begins; with a checksum, so that a cursor of somebody else is found out."""
        return f"{zlib.crc32(f'{resource}:{name}'.encode()):08x}:{name}"

    def _after(self, request: tu.ReadRequest) -> str:
        """The name that the page begins after."""
        if request.cursor is None:
            return ""
        name = request.cursor.partition(":")[2]
        if request.cursor != self._cursor(request.resource, name):
            raise tu.InvalidError(f"`{request.cursor}` is no cursor of `{request.resource}`")
        return name

    def _load(self) -> dict[str, dict[str, dict[str, Any]]]:
        try:
            said = json.loads(self._path.read_text(encoding="utf-8"))
            return {resource: {note["name"]: note for note in said[resource]} for resource in RESOURCES}
        except OSError as cause:
            raise tu.UnavailableError(f"the notes cannot be read: {cause}") from cause
        except (ValueError, KeyError, TypeError) as cause:
            raise tu.DataError(f"`{self._path}` holds no notes: {cause}") from cause

    def _save(self, everything: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
        """Writes beside the file and puts it in its place, so that nobody ever sees half of it."""
        beside = self._path.with_suffix(".new")
        said = {resource: list(records.values()) for resource, records in everything.items()}
        beside.write_text(json.dumps(said, ensure_ascii=False), encoding="utf-8")
        os.replace(beside, self._path)


class AsyncNotes(Notes):
    """The same for an event loop: every method may be a coroutine."""

    async def read_page(self, request: tu.ReadRequest) -> tu.Page:  # type: ignore[override]
        return await asyncio.to_thread(super().read_page, request)

    async def apply(self, changes: Sequence[tu.Change]) -> list[tu.Receipt]:  # type: ignore[override]
        return await asyncio.to_thread(super().apply, changes)
