"""An exception class a kind, and messages that name what is wrong."""

from __future__ import annotations

from typing import Any

import pytest

import trueup as tu
from trueup import _errors, _native

ROWS = [{"id": 1, "os": "14"}]


def test_every_kind_has_its_class() -> None:
    assert len(_native.kinds()) == 15
    for kind, name in _native.kinds():
        error = getattr(tu, name)
        assert issubclass(error, tu.Error) and error.kind == kind
    classes = [value for value in vars(_errors).values() if isinstance(value, type) and value is not tu.Error]
    assert len([c for c in classes if issubclass(c, tu.Error)]) == 15


def test_message_context_and_kind_are_those_of_the_library() -> None:
    with pytest.raises(tu.NotFoundError, match=r"there is no such file \(file: .*none.csv, side: expected\)") as caught:
        tu.reconcile("none.csv", ROWS, key="id")
    assert caught.value.kind == "not_found"
    assert caught.value.context["side"] == "expected"
    assert not caught.value.retry and caught.value.retry_after is None


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: tu.reconcile(5, ROWS, key="id"), "`expected`"),
        (lambda: tu.reconcile(ROWS, {"id": 1}, key="id"), "`actual` is a dict"),
        (lambda: tu.reconcile(ROWS, ROWS, key=5), "`key`"),
        (lambda: tu.reconcile(ROWS, ROWS, key=["id", 5]), "`key`"),
        (lambda: tu.reconcile(ROWS, ROWS, key="id", name=5), "`name`"),
        (lambda: tu.reconcile(ROWS, ROWS, key="id", compare=[1]), "`compare`"),
        (lambda: tu.reconcile(ROWS, ROWS, key="id", compare={"os": object()}), "compare.os"),
        (lambda: tu.reconcile(ROWS, ROWS, key="id", compare={5: "exact"}), "compare"),
        (lambda: tu.reconcile(ROWS, ROWS, key="id", threads="two"), "threads"),
        (lambda: tu.reconcile(ROWS, ROWS, key="id", progress=5), "`progress`"),
        (lambda: tu.reconcile(ROWS, ROWS, key="id", base=5), "`base`"),
        (lambda: tu.tolerance(absolute=object()), "`absolute`"),
        (lambda: tu.Incremental("fleet", ROWS, ROWS), "`reconciliation`"),
        (lambda: tu.drift(5, 6), "`before`"),
        (lambda: tu.read(5, "devices"), "`connector`"),
        (lambda: tu.Snapshot(5), "`data`"),
        (lambda: tu.Snapshot(tu.Snapshot(ROWS), schema={"id": "int"}), "`data`"),
    ],
)
def test_a_wrong_type_names_its_argument(call: Any, named: str) -> None:
    with pytest.raises(TypeError) as caught:
        call()
    assert named in str(caught.value)


@pytest.mark.parametrize(
    ("call", "kind", "piece"),
    [
        (lambda: tu.reconcile(ROWS, ROWS, key=[]), "invalid", "key"),
        (lambda: tu.reconcile(ROWS, ROWS, key="id", compare={"os": "ignroe"}), "invalid", "did you mean `ignore`"),
        (lambda: tu.reconcile(ROWS, ROWS, key="id", threads=0), "invalid", "`threads`"),
        (lambda: tu.reconcile(ROWS, [{"id": 1, "os": 14}], key="id"), "incompatible", "`os`"),
        (lambda: tu.reconcile([{"id": 1, "os": object()}], ROWS, key="id"), "data", "column: os, row: 0"),
        (lambda: tu.reconcile([{"id": 1}, 5], ROWS, key="id"), "data", "row: 1"),
        (lambda: tu.reconcile([{1: 1}], ROWS, key="id"), "data", "name is text"),
        (lambda: tu.reconcile([{"id": 1}, {"id": "a"}], ROWS, key="id"), "data", "column: id"),
        (lambda: tu.reconcile([{"id": "\ud800"}], ROWS, key="id"), "data", "column: id"),
        (lambda: tu.Snapshot(ROWS, coverage="whole"), "invalid", "whole"),
        (lambda: tu.Snapshot(ROWS, provenance={"system": 5}), "invalid", "provenance"),
        (lambda: tu.Snapshot(ROWS, schema={"id": "integer", "os": "text"}), "invalid", "integer"),
        (lambda: tu.Snapshot(ROWS).with_field("oss", secret=True), "invalid", "did you mean `os`"),
        (lambda: tu.Reconciliation.from_json("{"), "invalid", "no JSON"),
        (lambda: tu.reconcile(ROWS, ROWS, key="id").explain("abc"), "invalid", "abc"),
        (lambda: tu.reconcile(ROWS, ROWS, key="id").explain("0" * 32), "not_found", "0000"),
        (lambda: tu.Files({"path": "a.csv", "delimiter": ";"}), "invalid", "delimiter"),
        (lambda: tu.Sqlite("none.db").describe(), "not_found", "none.db"),
        (lambda: tu.Postgres("postgres://me:sesame@host:x/"), "invalid", "connection string"),
    ],
)
def test_bad_input_gets_its_kind(call: Any, kind: str, piece: str) -> None:
    with pytest.raises(tu.Error) as caught:
        call()
    assert (caught.value.kind, piece in str(caught.value)) == (kind, True), caught.value
    assert "sesame" not in str(caught.value)
