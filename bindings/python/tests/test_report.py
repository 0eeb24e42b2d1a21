"""Reports, drift and the index: everything that the library offers of them."""

from __future__ import annotations

import csv
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import trueup as tu

WISH = [{"id": n, "os": "14", "pin": str(n)} for n in range(1, 6)]
STATE = [
    {"id": 1, "os": "14", "pin": "1"},
    {"id": 2, "os": "<b>13</b>", "pin": "2"},
    {"id": 3, "os": "14", "pin": "9"},
    {"id": 3, "os": "12", "pin": "3"},
    {"id": None, "os": "14", "pin": "7"},
    {"id": 8, "os": "14", "pin": "8"},
]


@pytest.fixture
def report() -> tu.Report:
    wish = tu.Snapshot(WISH, provenance={"system": "book", "read_id": "r-1"}).with_field("pin", secret=True)
    return tu.reconcile(wish, STATE, key="id", name="fleet", tenant="acme", resource="devices")


def find(report: tu.Report, kind: str) -> dict[str, Any]:
    return next(row for row in report.findings if row["kind"] == kind)


def test_counts(report: tu.Report) -> None:
    counts = report.counts
    assert counts == tu.Counts(matched=1, missing=2, unexpected=1, changed=1, duplicate=1, ambiguous=0, conflict=0,
                               uncovered=0, unkeyed=1, renamed=0)  # fmt: skip
    assert counts.total == 6
    assert str(counts) == "matched 1, missing 2, unexpected 1, changed 1, duplicate 1, unkeyed 1"
    assert (report.name, report.tenant, report.resource, report.key) == ("fleet", "acme", "devices", ["id"])
    assert report.counts_by_field == {"os": 1} and not report.converged
    assert len(report.digest) == len(report.rules_digest) == 64
    assert set(report.states()) == {row["finding_id"] for row in report.findings}


def test_findings_go_into_every_library_as_often_as_one_likes(report: tu.Report) -> None:
    findings = report.findings
    for _ in range(3):
        table = pa.table(findings)
        assert table.column_names == ["finding_id", "kind", "id", "field", "expected", "actual"]
        assert table.schema.field("id").type == pa.int64()
        assert pl.DataFrame(findings).height == len(findings) == 6
        assert duckdb.from_arrow(table).filter("kind = 'missing'").shape[0] == 2
        assert len(pd.DataFrame.from_arrow(findings)) == 6
    assert list(findings.to_pandas()["kind"]) == [row["kind"] for row in findings]
    assert findings.to_dicts() == list(findings) and findings.head(1) == findings.to_dicts()[:1]
    assert pa.schema(findings) == pa.table(findings).schema
    assert "&lt;b&gt;13" in findings._repr_html_() and repr(findings).startswith("Table(6 rows")


def test_a_key_called_like_a_column_of_findings() -> None:
    report = tu.reconcile([{"kind": "a"}], [{"kind": "b"}], key="kind")
    assert report.findings.column_names[:3] == ["finding_id", "kind", "key.kind"]


def test_explanations(report: tu.Report) -> None:
    said = report.explain(find(report, "changed")["finding_id"])
    assert (said.kind, said.field, said.expected, said.rule, said.key) == ("changed", "os", "14", "exact", {"id": "2"})
    assert said.remedy == "set `os` to `14` on the actual side" and str(said).startswith("changed ")
    double = report.explain(find(report, "duplicate")["finding_id"])
    assert [row["side"] for row in double.rows] == ["expected", "actual", "actual"]


def test_members_and_matched_mask_secrets(report: tu.Report) -> None:
    members = report.members(find(report, "duplicate")["finding_id"])
    assert [row["os"] for row in members] == ["14", "12", "14"]
    assert {row["pin"] for row in members} == {"‹secret›"}
    assert report.matched().to_dicts() == [{"id": 1, "os": "14", "pin": "‹secret›"}]
    with pytest.raises(tu.InvalidError, match="not about several"):
        report.members(find(report, "missing")["finding_id"])


def test_inputs(report: tu.Report) -> None:
    expected, actual = report.inputs()
    assert (expected.provenance["read_id"], expected.rows, actual.rows) == ("r-1", 5, 6)
    assert len(actual.content_root) == 64 and actual.consistency == "best_effort"
    assert actual.content_root == tu.Snapshot(STATE).content_root("id")


def test_saved_and_loaded(report: tu.Report, tmp_path: Path) -> None:
    report.save(tmp_path / "fleet.parquet")
    loaded = tu.Report.load(tmp_path / "fleet.parquet")
    assert loaded.digest == report.digest and loaded.counts == report.counts
    assert loaded.findings.to_dicts() == report.findings.to_dicts()
    with pytest.raises(tu.UnsupportedError, match="loaded report"):
        loaded.matched()
    with pytest.raises(tu.NotFoundError):
        tu.Report.load(tmp_path / "none.parquet")
    (tmp_path / "bad.parquet").write_bytes(b"PAR1")
    with pytest.raises(tu.DataError, match="bad.parquet"):
        tu.Report.load(tmp_path / "bad.parquet")
    with pytest.raises(tu.UnavailableError, match="none"):
        report.save(tmp_path / "none" / "fleet.parquet")


def test_csv(report: tu.Report, tmp_path: Path) -> None:
    report.to_csv(tmp_path / "fleet.csv")
    with open(tmp_path / "fleet.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["kind"] for row in rows] == [row["kind"] for row in report.findings]


class Frame(HTMLParser):
    """The page in the frame that a notebook shows."""

    page = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        assert tag == "iframe" and given["sandbox"] == "allow-scripts" and "src" not in given
        self.page = given["srcdoc"] or ""


def test_a_notebook_shows_the_page(report: tu.Report, tmp_path: Path) -> None:
    frame = Frame()
    frame.feed(report._repr_html_())
    assert frame.page == report.html()
    report.to_html(tmp_path / "fleet.html")
    assert (tmp_path / "fleet.html").read_text() == frame.page
    for piece in ["5 of 6 keys", 'id="findings"', "prefers-color-scheme", "&lt;b&gt;13", "Filter by text"]:
        assert piece in frame.page
    for piece in ["http://", "https://", "<link", "src=", "<b>13", "‹secret›9"]:
        assert piece not in frame.page


def test_three_way_and_the_next_base() -> None:
    agreed = tu.reconcile(WISH, WISH, key="id").advance()
    assert len(agreed) == 5
    state = [{**row, "os": "15"} if row["id"] == 2 else row for row in WISH]
    report = tu.reconcile(WISH, state, key="id", base=agreed)
    [finding] = report.findings
    assert (finding["cause"], finding["actual"]) == ("actual_changed", "15")
    assert report.advance(agreed).content_root("id") == agreed.content_root("id")
    both = [{**row, "os": "16"} if row["id"] == 2 else row for row in WISH]
    assert [row["cause"] for row in tu.reconcile(both, state, key="id", base=agreed).findings] == ["both"]


def test_drift() -> None:
    before = tu.reconcile(WISH, [{**WISH[0], "os": "13"}, *WISH[1:4]], key="id")
    after = tu.reconcile(WISH, [{**WISH[0], "os": "12"}, WISH[1], *WISH[3:]], key="id")
    drift = tu.drift(before, after)
    assert drift.counts == {"opened": 1, "changed": 1, "resolved": 1, "unchanged": 0}
    assert [row["id"] for row in drift.opened] == [3]
    assert [row["actual"] for row in drift.changed] == ["12"]
    assert [row["id"] for row in drift.resolved] == [5]
    assert not drift.is_empty and not drift.rules_changed and not drift.coverage_changed
    same = tu.drift(after, after)
    assert same.is_empty and len(same.unchanged_ids) == len(after.findings)
    other = tu.reconcile(WISH, WISH, key="id", name="another")
    with pytest.raises(tu.IncompatibleError, match="another"):
        tu.drift(before, other)


def test_an_index_takes_changes() -> None:
    table = pa.table({"id": range(1000), "x": range(1000)})
    document = tu.Reconciliation(name="n", key="id")
    index = tu.Incremental(document, table, table)
    assert index.report().converged
    index.change("actual", pa.table({"id": [7, 1000], "x": [0, 1]}))
    report = index.report()
    assert (report.counts.changed, report.counts.unexpected) == (1, 1)
    assert index.remove("expected", pa.table({"id": [7]})) == 1
    later = table.to_pandas()
    later.loc[7, "x"] = 0
    later.loc[1000] = [1000, 1]
    assert index.report().digest == document.run(table.to_pandas().drop(7), later).digest
    with pytest.raises(tu.InvalidError, match="did you mean `actual`"):
        index.change("actaul", table)  # type: ignore[arg-type]
    with pytest.raises(tu.DataError, match="other columns"):
        index.change("actual", pa.table({"id": [1]}))


def test_mapping_coverage_and_owners() -> None:
    actual = tu.Snapshot([{"ID": 1, "state": "1", "site": "b"}], coverage={"within": {"field": "ID", "from": 1}})
    report = tu.reconcile(
        [{"id": 0, "state": "on", "site": "a"}, {"id": 1, "state": "on", "site": "a"}],
        actual,
        key="id",
        mapping={"actual": {"fields": {"id": "ID"}, "values": {"state": {"on": "1", "off": "0"}}}},
        compare={"site": tu.owner("none")},
    )
    assert (report.counts.uncovered, report.counts.changed) == (1, 1)
    assert report.counts_by_field == {"site": 1}


def test_rules_as_functions_say_what_rules_as_data_say() -> None:
    rules = {
        "a": tu.tolerance(absolute="0.5", relative=0.1),
        "b": tu.text(case="ignore", space="collapse", unicode="nfc") | tu.alias({"x": "y"}),
        "c": tu.set() | tu.default([]),
        "d": tu.subset() | tu.owner("actual"),
        "e": tu.time_tolerance("90s") | tu.zone("Europe/Berlin"),
        "f": tu.exact(),
        "g": tu.ignore(),
    }
    document = tu.Reconciliation(key="id", compare=rules, alternate_keys=["serial", ["a", "b"]], fields=["a"])
    again = tu.Reconciliation.from_json(document.to_json())
    assert again == document and hash(again) == hash(document)
    assert '"tolerance":{"absolute":"0.5","relative":"0.1"}' in document.to_json()
    with pytest.raises(TypeError, match="both rules say `compare`"):
        tu.set() | tu.subset()
