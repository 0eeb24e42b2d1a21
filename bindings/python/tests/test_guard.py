"""Policies: loaded, asked and explained."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

import trueup as tu

NOW = dt.datetime(2026, 1, 5, 12, tzinfo=dt.timezone.utc)
POLICY = """
version = 1
name = "fleet"

[[rule]]
id = "changes"
about = "agents may create and update"
action = ["create", "update"]
outcome = "allow"
"""


@pytest.fixture
def plan() -> tu.Plan:
    state = tu.Snapshot([{"id": 1, "os": "13"}, {"id": 3, "os": "14"}], provenance={"read_id": "r-17"})
    return tu.reconcile([{"id": 1, "os": "14"}, {"id": 2, "os": "14"}], state, key="id", name="fleet").plan()


def test_a_policy_decides(plan: tu.Plan) -> None:
    policy = tu.Policy.from_toml(POLICY)
    decision = policy.decide(plan, actor=["agent:sync", "person:ada"], now=NOW)
    assert (decision.outcome, decision.plan, decision.policy) == ("deny", plan.digest, policy.hash)
    assert [plan.changes[place].operation for place in decision.denied] == ["delete"]
    assert sorted(place for places in decision.places.values() for place in places) == [0, 1, 2]
    assert decision.at == NOW < decision.valid_until
    assert decision.requester == ["agent:sync", "person:ada"]
    rest = plan.without(decision.denied)
    assert policy.decide(rest, actor="agent:sync", now=NOW).outcome == "allow"
    assert policy.decide(plan, actor=["agent:sync", "person:ada"], now=NOW) == decision


def test_a_policy_explains(plan: tu.Plan) -> None:
    said = tu.Policy.from_toml(POLICY).explain(plan, actor="agent:sync", now=NOW)
    assert (said.outcome, said.rules[0]["rule"]) == ("deny", "changes")
    assert any("no rule lets anybody" in remedy for remedy in said.remedies)
    assert str(said).startswith("deny\n") and "agents may create and update" in str(said)


def test_the_standard_policy_asks_for_deletes(plan: tu.Plan) -> None:
    standard = tu.Policy.standard()
    assert tu.Policy.from_toml(tu.Policy.STANDARD) == standard and standard.rule_ids
    some = plan.narrow(lambda change: change.operation == "delete")
    decision = standard.decide(some, actor="agent:sync", now=NOW, agreed_rows=2)
    assert decision.outcome == "ask" and decision.asks and decision.risk.lower().startswith("r")


def test_documents_are_kept_and_checked(tmp_path: Path) -> None:
    policy = tu.Policy.from_toml(POLICY)
    (tmp_path / "policy.toml").write_text(POLICY)
    (tmp_path / "policy.json").write_text(policy.to_json())
    assert tu.Policy.load(tmp_path / "policy.toml") == policy == tu.Policy.load(tmp_path / "policy.json")
    assert len({policy, tu.Policy.from_json(policy.to_json())}) == 1
    assert json.loads(tu.Policy.schema())["title"] == "trueup policy"
    with pytest.raises(tu.InvalidError, match="did you mean `rule`") as caught:
        tu.Policy.from_toml(POLICY.replace("[[rule]]", "[[ruel]]"))
    assert "line" in caught.value.context


def test_what_is_asked_is_checked(plan: tu.Plan) -> None:
    policy = tu.Policy.standard()
    with pytest.raises(TypeError, match="`now`"):
        policy.decide(plan, actor="a", now=dt.datetime(2026, 1, 1))
    with pytest.raises(TypeError, match="`actor`"):
        policy.decide(plan, actor=5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="`plan`"):
        policy.decide(5, actor="a")  # type: ignore[arg-type]
    with pytest.raises(tu.InvalidError, match="`actor` names nobody"):
        policy.decide(plan, actor=[])
    with pytest.raises(tu.InvalidError, match="question"):
        policy.explain(plan, actor="a", agreed_rows=-1)
