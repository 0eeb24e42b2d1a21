"""The connector keeps the promises that every connector makes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import trueup as tu
from trueup_notes import AsyncNotes, Notes


def note(n: int, text: str | None = "") -> dict[str, Any]:
    return {"name": f"note {n:02}", "text": text if text is None else text or f"text of {n} – “ä”", "stars": n - 7}


NOTES = [note(n) for n in range(45)] + [note(90, None), {"name": "empty", "text": "", "stars": 2**62}]
FRESH = [note(n) for n in range(100, 106)] + [{"name": "new", "text": None, "stars": None}]


@pytest.mark.parametrize("kind", [Notes, AsyncNotes])
def test_it_keeps_its_promises(kind: type[Notes], tmp_path: Path) -> None:
    made = iter(range(1000))

    def make() -> tu.Subject:
        path = tmp_path / f"{next(made)}.json"
        path.write_text(json.dumps({"notes": NOTES, "archive": []}), encoding="utf-8")

        def change() -> tu.Truth:
            rest = [note(1, "changed"), *NOTES[2:], note(99)]
            path.write_text(json.dumps({"notes": rest, "archive": []}), encoding="utf-8")
            return {"notes": rest}

        return tu.Subject(
            kind(path),
            truth={"notes": NOTES, "archive": []},
            writes=("notes", FRESH),
            break_source=lambda: path.write_text("{"),
            change_source=change,
        )

    assert "writes" in tu.conformance(make)
