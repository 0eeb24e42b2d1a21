"""Plans: from findings or proposed, narrowed, written down, undone."""

from __future__ import annotations

import datetime as dt
import json

import pytest

import trueup as tu

READING = {"tenant": "acme", "system": "fleet", "resource": "devices", "read_id": "r-17"}
WISH = [{"id": 1, "os": "14", "day": dt.date(2026, 1, 31), "pin": "1"}, {"id": 2, "os": "14", "day": None, "pin": "2"}]
STATE = [{"id": 1, "os": "13", "day": None, "pin": "0"}, {"id": 3, "os": "14", "day": None, "pin": "3"}]


@pytest.fixture
def report() -> tu.Report:
    state = tu.Snapshot(STATE, provenance=READING).with_field("pin", secret=True)
    return tu.reconcile(WISH, state, key="id", name="fleet")


def test_a_plan_settles_findings(report: tu.Report) -> None:
    plan = report.plan()
    assert str(plan) == "Plan(1 to create, 1 to update, 1 to delete on the actual side)" == repr(plan)
    update = next(change for change in plan.changes if change.operation == "update")
    assert (update.target, update.key, update.before["os"], update.after["os"]) == ("actual", {"id": 1}, "13", "14")
    assert update.after["day"] == dt.date(2026, 1, 31)
    assert (update.after["pin"], list(update.secret)) == (None, ["pin"])
    assert str(update) == "update id = 1 on the actual side" and len(update.findings) == 3
    assert plan.origin["actual_read"] == "r-17" and plan.resource("actual") == "devices"
    assert plan.impact("actual")["deletes"] == 1 and plan.impact("expected")["creates"] == 0
    assert len(plan) == 3 and plan.waves == 1


def test_kinds_that_are_not_chosen_are_left_out(report: tu.Report) -> None:
    plan = report.plan(kinds=["missing"])
    assert [change.operation for change in plan.changes] == ["create"]
    assert {left["reason"] for left in plan.left_out} == {"kind_not_chosen"}
    many = [{"id": n, "parent": n - 1 or None} for n in range(1, 41)]
    nothing = tu.Snapshot(many[:0], schema={"id": "int", "parent": "int"}, provenance=READING)
    wide = tu.reconcile(many, nothing, key="id")
    assert wide.plan(stages=[10, 50]).waves == 3
    assert wide.plan(references=["parent"]).waves == 40
    with pytest.raises(tu.InvalidError, match="stages"):
        report.plan(stages=[50, 10])
    with pytest.raises(tu.InvalidError, match="parent"):
        report.plan(references=["parent"])
    with pytest.raises(tu.InvalidError, match="did you mean `missing`"):
        report.plan(kinds=["mising"])


def test_a_narrower_plan_is_another(report: tu.Report) -> None:
    plan = report.plan()
    narrow = plan.narrow(lambda change: change.operation != "delete")
    assert len(narrow) == 2 and narrow != plan

    def fail(change: tu.PlannedChange) -> bool:
        raise LookupError(change.operation)

    with pytest.raises(LookupError):
        plan.narrow(fail)


def test_written_down_and_read_again(report: tu.Report) -> None:
    plan = report.plan()
    assert tu.Plan.from_json(plan.to_json()) == plan
    assert hash(tu.Plan.from_json(plan.to_json())) == hash(plan)
    altered = json.loads(plan.to_json())
    altered["changes"][0]["wave"] = 3
    with pytest.raises(tu.DataError, match="altered"):
        tu.Plan.from_json(json.dumps(altered))


def test_proposed_and_undone() -> None:
    changes = [
        tu.PlannedChange("actual", "update", {"serial": "A1"}, before={"gib": 1}, after={"gib": 2}, version="v1"),
        tu.PlannedChange("actual", "sync", {"serial": "A1"}, wave=1, facts={"lost": True, "score": 7, "tags": ["a"]}),
        tu.PlannedChange("actual", "create", {"serial": "B2"}, after={"pin": "0"}, secret=["pin"]),
    ]
    plan = tu.Plan.propose("nightly", changes, reading=READING, covered_rows=10)
    assert [change.operation for change in plan.changes] == ["update", "create", "sync"]
    assert plan.changes[2].facts == {"lost": True, "score": 7, "tags": ["a"]}
    assert plan.changes[1].after == {"pin": None} and plan.impact("actual")["covered_rows"] == 10
    back = plan.rollback([tu.Effect(0, version="v2"), tu.Effect(2)], reading={**READING, "read_id": "r-18"})
    assert back.irreversible == [2]
    [undo] = back.plan.changes
    assert (undo.before, undo.after, undo.version) == ({"gib": 2}, {"gib": 1}, "v2")
    with pytest.raises(tu.InvalidError, match="twice"):
        tu.Plan.propose("nightly", [changes[0], changes[0]], reading=READING)
    with pytest.raises(tu.InvalidError, match="did you mean `actual`"):
        tu.Plan.propose("nightly", [tu.PlannedChange("actaul", "sync", {"a": 1})], reading=READING)  # type: ignore[arg-type]
    with pytest.raises(tu.InvalidError, match="no change 5"):
        plan.rollback([tu.Effect(5)], reading=READING)


def test_values_of_every_kind_go_there_and_back() -> None:
    at = dt.datetime(2026, 1, 31, 9, tzinfo=dt.timezone.utc)
    after = {"at": at, "day": dt.date(2026, 1, 31), "raw": b"\x00", "tags": ["a", "b"], "big": 2**70, "none": None}
    plan = tu.Plan.propose("n", [tu.PlannedChange("actual", "update", {"id": 1}, after=after)], reading=READING)
    assert {name: str(value) for name, value in plan.changes[0].after.items()} == {n: str(v) for n, v in after.items()}
