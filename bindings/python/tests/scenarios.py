"""The golden scenarios through Python: one JSON line each, with name, passed, digest and error kind.

    python scenarios.py [FILE OR FOLDER]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import trueup as tu
import way

FOLDER = Path(__file__).resolve().parents[3] / "tests" / "scenarios"

# What a finding has in the table, and what a scenario calls it.
COLUMNS = {"finding_id": "id", "kind": "kind", "field": "field", "expected": "expected", "actual": "actual"}


def main() -> int:
    place = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    lines = [check(path) for path in files(place)]
    for line in lines:
        print(json.dumps(line))
    return 0 if lines and all(line["passed"] for line in lines) else 1


def files(place: Path) -> list[Path]:
    return sorted(place.rglob("*.json")) if place.is_dir() else [place]


def check(path: Path) -> dict[str, Any]:
    """What came of one scenario; `why` says what is wrong with it."""
    scenario = json.loads(path.read_text())
    if "system" in scenario:
        return way.check(path)
    line: dict[str, Any] = {"name": scenario["name"], "passed": False, "digest": None, "error": None}
    want = scenario["want"]
    try:
        report, roots = run(scenario)
        line["digest"] = report.digest
        differences = compare(report, roots, want) + compare_plan(report, scenario.get("plan"))
    except tu.Error as error:
        line["error"] = error.kind
        differences = compare_error(error, want.get("error"))
    line["passed"] = not differences
    return line if line["passed"] else {**line, "why": differences}


def run(scenario: dict[str, Any]) -> tuple[tu.Report, list[str]]:
    members = dict(scenario["reconciliation"])
    if "mapping" in scenario:
        members["mapping"] = scenario["mapping"]
    document = tu.Reconciliation.from_json(json.dumps(members))
    sides = {side: snapshot(scenario, side) for side in ("expected", "actual")}
    base = records(scenario["base"]) if "base" in scenario else None
    report = document.run(sides["expected"], sides["actual"], base=base)
    roots = [sides[side].content_root(system_key(scenario, side)) for side in sides]
    return report, roots


def snapshot(scenario: dict[str, Any], side: str) -> tu.Snapshot:
    """A side's records; what is wrong with them says which side it is."""
    reading = scenario.get("plan", {}).get(f"{side}_read", "")
    try:
        return records(scenario[side]).with_facts(provenance={"read_id": reading})
    except tu.Error as error:
        raise type(error)(f"{error} (side: {side})") from error


def records(side: dict[str, Any]) -> tu.Snapshot:
    return tu.Snapshot(side["rows"], schema=side["fields"], coverage=side.get("coverage"))


def system_key(scenario: dict[str, Any], side: str) -> list[str]:
    names = scenario.get("mapping", {}).get(side, {}).get("fields", {})
    return [names.get(name, name) for name in scenario["reconciliation"]["key"]]


def compare(report: tu.Report, roots: list[str], want: dict[str, Any]) -> list[str]:
    if "error" in want:
        return [f"no error, but {want['error']} is wanted"]
    counts = report.counts._asdict()
    renamed = counts.pop("renamed")
    states = report.states()
    got = {
        "counts": counts,
        "renamed": renamed,
        "counts_by_field": report.counts_by_field,
        "rules_digest": report.rules_digest,
        "digest": report.digest,
        "expected_root": roots[0],
        "actual_root": roots[1],
        "findings": [finding(row, states) for row in report.findings],
    }
    wanted = {**want, "renamed": want.get("renamed", 0)}
    wanted["findings"] = [{name: cell for name, cell in row.items() if name != "key"} for row in want["findings"]]
    return [f"{name}: {got[name]} instead of {wanted[name]}" for name in got if got[name] != wanted[name]]


def finding(row: dict[str, Any], states: dict[str, str]) -> dict[str, Any]:
    """A finding as scenarios have it, but for the key, which its id covers."""
    said = {member: row[column] for column, member in COLUMNS.items()}
    said["state"] = states[said["id"]]
    return {**said, "cause": row["cause"]} if "cause" in row else said


def compare_plan(report: tu.Report, want: dict[str, Any] | None) -> list[str]:
    if want is None:
        return []
    plan = report.plan()
    got = [(change.target, change.operation, change.wave) for change in plan.changes]
    wanted = [(change["target"], change["op"], change["wave"]) for change in want["changes"]]
    wrong = [] if got == wanted else [f"changes: {got} instead of {wanted}"]
    return wrong if plan.digest == want["digest"] else [*wrong, f"digest of the plan: {plan.digest}"]


def compare_error(error: tu.Error, want: dict[str, Any] | None) -> list[str]:
    if want is None:
        return [f"{error.kind}: {error}"]
    missing = [piece for piece in want["contains"] if piece not in str(error)]
    wrong = [] if error.kind == want["kind"] else [f"{error.kind} instead of {want['kind']}"]
    return wrong + [f"`{piece}` is not in: {error}" for piece in missing]


if __name__ == "__main__":
    sys.exit(main())
