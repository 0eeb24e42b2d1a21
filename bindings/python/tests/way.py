"""Runs scenarios of the whole way: a system's connector, a decision, people's answers, a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import trueup as tu


class System(tu.Connector):
    """The system of a scenario: it says and does what the scenario tells it."""

    def __init__(self, said: dict[str, Any]) -> None:
        self.said = said
        self.calls = 0
        pages = said.get("pages", [{"records": []}])
        self.pages = {page.get("at"): {name: page[name] for name in page if name != "at"} for page in pages}
        self.written: list[dict[str, Any]] | None = None

    def describe(self) -> Any:
        return self.said["describe"]

    def read_page(self, request: tu.ReadRequest) -> Any:
        if self.written is not None:
            return {"records": self.written}
        page = self.pages[request.cursor]
        raised(page)
        return page

    def apply(self, changes: Any) -> Any:
        self.calls += 1
        said = self.said.get("receipts")
        if said is not None:
            raised(said)
            return said
        return [self.change(change) for change in changes]

    def change(self, change: tu.Change) -> tu.Receipt:
        """Does as it is told, in memory."""
        rows = self.rows()
        [found] = [row for row in rows if all(row[name] == cell for name, cell in change.key.items())] or [None]
        standing = change.standing(found)
        if standing == "stale":
            return tu.Receipt.stale()
        if standing == "holds":
            rest = [row for row in rows if row is not found]
            made = [] if change.operation == "delete" else [{**(found or {}), **change.key, **change.after}]
            self.written = rest + made
        return tu.Receipt.done()

    def rows(self) -> list[dict[str, Any]]:
        if self.written is None:
            self.written = [dict(row) for page in self.pages.values() for row in page["records"]]
        return self.written


def raised(said: Any) -> None:
    """Raises what the scenario says is raised."""
    if isinstance(said, dict) and "raises" in said:
        kinds = {error.kind: error for error in tu.Error.__subclasses__()}
        raise kinds[said["raises"]["kind"]](said["raises"]["message"])


def run(scenario: dict[str, Any]) -> dict[str, Any]:
    """What comes of a scenario, in the form of its `want`."""
    system = System(scenario["system"])
    report = compare(scenario, system)
    got: dict[str, Any] = {"digest": report.digest, "converged": report.converged}
    if "actor" not in scenario:
        return got
    plan = report.plan()
    policy = policy_of(scenario.get("policy", "standard"))
    decision = policy.decide(plan, actor=scenario["actor"])
    got |= {"plan": plan.digest, "policy": policy.hash, "outcome": decision.outcome, "places": decision.places}
    if "answers" not in scenario:
        return got
    question = decision.question()
    answers = [answer(question, said) for said in scenario["answers"]]
    standing = question.standing(answers)
    refusals = [question.refusal(one, answers[:place]) for place, one in enumerate(answers)]
    got |= {"standing": standing.state, "refusals": refusals}
    if standing.grant is None:
        return got
    return got | carried_out(scenario, system, policy, plan, standing.grant)


def carried_out(
    scenario: dict[str, Any], system: System, policy: tu.Policy, plan: tu.Plan, grant: tu.Grant
) -> dict[str, Any]:
    if "meanwhile" in scenario:
        system.written = scenario["meanwhile"]
    store = tu.Store(mode="in_memory")
    store.keep(plan, grant)
    settings = {"batch": 100, "error_count": 1000, "retry": {"attempts": 1}}
    gate = tu.PolicyGate(policy, actor=scenario["actor"])
    done = tu.Executor(store, **settings).execute(plan, grant, actual=system, gate=gate)
    left = sum(compare(scenario, system).counts[1:8]) if "receipts" not in scenario["system"] else None
    return {"status": done.status, "states": [change.state for change in done.changes], "left": left}


def compare(scenario: dict[str, Any], system: System) -> tu.Report:
    document = tu.Reconciliation.from_json(json.dumps(scenario["reconciliation"]))
    side = scenario["expected"]
    expected = tu.Snapshot(side["rows"], schema=side["fields"], provenance={"read_id": "read-1"})
    actual = system.read(scenario["resource"]).with_facts(provenance={"read_id": "read-2"})
    return document.run(expected, actual)


def policy_of(said: str | dict[str, Any]) -> tu.Policy:
    return tu.Policy.standard() if said == "standard" else tu.Policy.from_json(json.dumps(said))


def answer(question: tu.Question, said: dict[str, Any]) -> tu.Approval:
    """Somebody's answer; without `host`, nobody vouches for it."""
    answered = said.get("answer", "approve")
    kind, more = (answered, {}) if isinstance(answered, str) else next(iter(answered.items()))
    if kind == "defer":
        more = {"until": question.expires}
    if kind == "escalate":
        more = {"to": more["roles"], "reason": more["reason"]}
    more = {**more, "delegate_of": said.get("delegate_of", [])}
    made: tu.Approval = getattr(question, kind)(said["person"], roles=said["roles"], **more)
    return made.attest(said["host"]) if "host" in said else made


def check(path: Path) -> dict[str, Any]:
    """What came of one scenario, as one line; `why` says what is wrong with it."""
    scenario = json.loads(path.read_text())
    want = scenario["want"]
    line: dict[str, Any] = {"name": scenario["name"], "passed": False, "digest": None, "error": None}
    try:
        got = run(scenario)
        line["digest"] = got["digest"]
        why = [f"{name}: {got.get(name)!r} instead of {want.get(name)!r}" for name in differing(got, want)]
    except tu.Error as error:
        line["error"] = error.kind
        wanted = want.get("error", {"kind": "none", "contains": []})
        missing = [piece for piece in wanted["contains"] if piece not in str(error)]
        why = [] if error.kind == wanted["kind"] and not missing else [f"{error.kind}: {error}"]
    line["passed"] = not why
    return line if line["passed"] else {**line, "why": why}


def differing(got: dict[str, Any], want: dict[str, Any]) -> list[str]:
    """Refusals are held to pieces of their words, everything else exactly."""
    refusals = [got.get("refusals") or [], want.get("refusals") or []]
    names = [name for name in {**got, **want} if name != "refusals" and got.get(name) != want.get(name)]
    fits = len(refusals[0]) == len(refusals[1]) and all(
        (said is None) == (piece is None) and (piece or "") in (said or "") for said, piece in zip(*refusals)
    )
    return names if fits else [*names, "refusals"]
