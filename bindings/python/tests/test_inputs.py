"""Everything that may be given as records says the same, and nothing is lost on the way."""

from __future__ import annotations

import datetime as dt
import decimal
import json
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import csv, feather, parquet

import trueup as tu

ROWS: list[dict[str, Any]] = [
    {"id": 1, "name": "a", "size": 1.5, "on": True},
    {"id": 2, "name": "ü", "size": None, "on": False},
    {"id": 3, "name": None, "size": 2.25, "on": None},
]
TABLE = pa.Table.from_pylist(ROWS)


class Alone:
    """A table that gives one array."""

    def __arrow_c_array__(self, requested_schema: object = None) -> Any:
        return TABLE.combine_chunks().to_batches()[0].__arrow_c_array__(requested_schema)


def given(kind: str, folder: Path) -> Any:
    frame = pd.DataFrame(ROWS)
    path = folder / "rows"
    if kind == "csv":
        csv.write_csv(TABLE, path := path.with_suffix(".csv"))
    elif kind == "json lines":
        path = path.with_suffix(".jsonl")
        path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    elif kind == "parquet":
        parquet.write_table(TABLE, path := path.with_suffix(".parquet"))
    elif kind == "arrow":
        feather.write_feather(TABLE, path := path.with_suffix(".arrow"))
    else:
        return {
            "dicts": lambda: ROWS,
            "generator": lambda: (row for row in ROWS),
            "pyarrow": lambda: TABLE,
            "one array": Alone,
            "batches": lambda: pa.Table.from_batches(TABLE.to_batches(max_chunksize=1)),
            "reader": lambda: TABLE.to_reader(),
            "pandas": lambda: frame,
            "pandas arrow": lambda: TABLE.to_pandas(types_mapper=pd.ArrowDtype),
            "pandas named index": lambda: frame.set_index("id"),
            "pandas shuffled": lambda: frame.iloc[[2, 0, 1]],
            "polars": lambda: pl.DataFrame(ROWS),
            "duckdb": lambda: duckdb.from_arrow(TABLE),
            "snapshot": lambda: tu.Snapshot(ROWS),
            "text path": lambda: str(given("parquet", folder)),
        }[kind]()
    return path


KINDS = [
    *("dicts", "generator", "pyarrow", "one array", "batches", "reader", "pandas", "pandas arrow", "polars", "duckdb"),
    *("pandas named index", "pandas shuffled", "snapshot", "csv", "json lines", "parquet", "arrow", "text path"),
]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_input_is_the_same_records(kind: str, tmp_path: Path) -> None:
    report = tu.reconcile(given(kind, tmp_path), ROWS, key="id")
    assert report.converged, report.findings.to_dicts()
    assert report.counts.matched == 3
    assert tu.reconcile(ROWS, given(kind, tmp_path), key="id").digest == report.digest


def test_pandas_without_pyarrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    frame = pd.DataFrame(ROWS)
    assert tu.reconcile(frame, ROWS, key="id").converged
    assert list(tu.reconcile(frame[:1], ROWS, key="id").findings.to_pandas()["kind"]) == ["unexpected"] * 2


def test_a_lazy_frame_is_told_to_collect() -> None:
    with pytest.raises(TypeError, match=r"`expected` is a LazyFrame.*collect"):
        tu.reconcile(pl.LazyFrame(ROWS), ROWS, key="id")


def test_a_reader_that_was_read_before_is_refused() -> None:
    reader = TABLE.to_reader()
    assert len(tu.Snapshot(reader)) == 3
    assert len(tu.Snapshot(reader)) == 0  # pyarrow gives an empty stream then

    class Twice:
        capsule = TABLE.__arrow_c_stream__()

        def __arrow_c_stream__(self, requested_schema: object = None) -> object:
            return self.capsule

    assert len(tu.Snapshot(Twice())) == 3
    with pytest.raises(tu.InvalidError, match="read only once"):
        tu.Snapshot(Twice())


def test_a_capsule_of_another_name_is_refused() -> None:
    class Wrong:
        def __arrow_c_stream__(self, requested_schema: object = None) -> object:
            return TABLE.schema.__arrow_c_schema__()

    with pytest.raises(ValueError, match="PyCapsule"):
        tu.Snapshot(Wrong())


def test_a_stream_that_fails_is_an_error_and_not_a_part() -> None:
    def batches() -> Any:
        yield TABLE.to_batches()[0]
        raise RuntimeError("the disk is gone")

    reader = pa.RecordBatchReader.from_batches(TABLE.schema, batches())
    with pytest.raises(tu.DataError, match="the disk is gone"):
        tu.Snapshot(reader)


UTC = dt.timezone.utc
EAST = dt.timezone(dt.timedelta(hours=9))

VALUES: list[tuple[object, str, str]] = [
    (2**63, "int", "9223372036854775808"),
    (-(2**63), "int", "-9223372036854775808"),
    (10**30, "decimal(31,0)", "1000000000000000000000000000000"),
    (decimal.Decimal("12.50"), "decimal(4,2)", "12.50"),
    (decimal.Decimal("1E+3"), "decimal(4,0)", "1000"),
    (b"\x00\xff", "bytes", "00ff"),
    (bytearray(b"\x01"), "bytes", "01"),
    (dt.date(2026, 1, 31), "date", "2026-01-31"),
    (dt.date(1, 1, 1), "date", "0001-01-01"),
    (dt.datetime(2026, 1, 31, 10, 0, 0, 5), "datetime", "2026-01-31T10:00:00.000005"),
    (dt.datetime(2026, 1, 31, 9, tzinfo=EAST), "instant", "2026-01-31T00:00:00Z"),
    (dt.datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), "instant", "1969-12-31T23:59:59.999999Z"),
    (pd.Timestamp("2026-01-31T10:00:00.000000007"), "datetime", "2026-01-31T10:00:00.000000007"),
    (np.int16(7), "int", "7"),
    (np.float32(0.5), "float", "0.5"),
    (np.bool_(True), "bool", "true"),
    (np.datetime64("2026-01-31"), "date", "2026-01-31"),
    ([1, 2], "list<int>", "[1,2]"),
    ((1, None), "list<int>", "[1,null]"),
    ({"a": 1, "b": "x"}, "struct<a:int,b:text>", '{"a":1,"b":"x"}'),
    (float("nan"), "float", "NaN"),
]


@pytest.mark.parametrize(("value", "kind", "shown"), VALUES, ids=lambda value: str(value)[:30])
def test_values_keep_what_they_are(value: object, kind: str, shown: str) -> None:
    snapshot = tu.Snapshot([{"id": 1, "value": value}])
    assert snapshot.fields[1]["type"] == kind
    [row] = tu.reconcile(snapshot, [{"id": 1, "value": None}], key="id").findings
    assert row["expected"] == shown


@pytest.mark.parametrize("value", [pd.NaT, pd.NA, None])
def test_words_for_nothing_are_null(value: object) -> None:
    assert tu.reconcile([{"id": 1, "a": value}], [{"id": 1, "a": None}], key="id").converged


def test_values_come_back_as_what_they_are() -> None:
    exact = [VALUES[place][0] for place in (0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11)]
    row = {f"value{place}": value for place, value in enumerate(exact)}
    row |= {"id": 1, "list": [1], "struct": {"x": None}, "flag": False, "text": "t", "null": None}
    [back] = tu.reconcile([row], [row], key="id").matched().to_dicts()
    assert back == row


def test_times_beyond_python_come_back_as_text() -> None:
    fine = pa.table({"id": [1], "at": pa.array([1], pa.timestamp("ns", "UTC"))})
    [row] = tu.reconcile(fine, fine, key="id").matched().to_dicts()
    assert row["at"] == "1970-01-01T00:00:00.000000001Z"


def test_a_schema_reads_rows_by_its_types() -> None:
    rows = [("1", "2026-01-31", "0.10"), ("2", None, "7")]
    snapshot = tu.Snapshot(rows, schema={"id": "text", "day": "date", "amount": "decimal(5,2)"})
    assert [field["type"] for field in snapshot.fields] == ["text", "date", "decimal(5,2)"]
    exact = [
        {"id": "1", "day": dt.date(2026, 1, 31), "amount": decimal.Decimal("0.1")},
        {"id": "2", "day": None, "amount": 7},
    ]
    assert tu.reconcile(snapshot, exact, key="id").converged
    with pytest.raises(tu.DataError, match="row 1 has 2 values, not 3"):
        tu.Snapshot([rows[0], ("2", None)], schema={"id": "text", "day": "date", "amount": "int"})
    with pytest.raises(tu.DataError, match="did you mean `id`"):
        tu.Snapshot([{"idd": 1}], schema={"id": "int"})


def test_no_rows_at_all() -> None:
    nothing = tu.Snapshot([], schema={"id": "int"})
    report = tu.reconcile(nothing, ROWS, key="id", fields="common")
    assert (report.counts.unexpected, len(report.matched())) == (3, 0)
    with pytest.raises(tu.IncompatibleError, match="`id`"):
        tu.reconcile([], ROWS, key="id")


def test_a_saved_snapshot_keeps_what_it_covers(tmp_path: Path) -> None:
    some = tu.Snapshot(ROWS[:1], coverage="partial", provenance={"read_id": "r-1"}, consistency="snapshot")
    some.save(tmp_path / "some.parquet")
    loaded = tu.Snapshot.load(tmp_path / "some.parquet")
    assert (loaded.coverage, loaded.provenance["read_id"], loaded.consistency) == ("partial", "r-1", "snapshot")
    assert tu.reconcile(loaded, ROWS, key="id").counts.uncovered == 2
    assert tu.reconcile(tmp_path / "some.parquet", ROWS, key="id").counts.uncovered == 2
