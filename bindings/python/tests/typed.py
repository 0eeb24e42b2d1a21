"""What a user writes, for the type checkers: they must know every type in it, and run it must not."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import trueup as tu


class Devices(tu.Connector):
    def describe(self) -> dict[str, Any]:
        return {"system": "devices", "resources": []}

    async def read_page(self, request: tu.ReadRequest) -> tu.Page:
        return tu.Page([{"serial": request.resource}], next=request.cursor)


class Foreign:
    def describe(self) -> dict[str, Any]:
        return {}

    def read_page(self, request: tu.ReadRequest) -> dict[str, Any]:
        return {"records": [], "next": request.cursor}


def listen(stage: str, done: int, total: int | None) -> None:
    print(stage.upper(), done + 1, total or 0)


def use(table: tu.Table, path: Path) -> None:
    rules = {"a": tu.tolerance(absolute=Decimal("0.1")) | tu.default(0), "b": tu.time_tolerance(timedelta(hours=1))}
    report: tu.Report = tu.reconcile(
        table, path, key=["id"], compare={**rules, "c": "ignore"}, fields="common", progress=listen, base=[{"id": 1}]
    )
    total: int = report.counts.changed + report.counts.total
    by_field: dict[str, int] = report.counts_by_field
    digest: str = report.digest.upper()
    remedies: list[str] = [report.explain(row["finding_id"]).remedy for row in report.findings]
    frame_columns: list[str] = list(report.findings.to_pandas().columns)
    rows: int = report.inputs().expected.rows
    plan: tu.Plan = report.plan(kinds=["changed"]).narrow(lambda change: change.wave == 0)
    undone: list[int] = plan.rollback([tu.Effect(0)], reading={"read_id": "r"}).irreversible
    snapshot: tu.Snapshot = tu.read(Foreign(), "r")
    snapshots: list[tu.Snapshot] = [Devices().read("r"), snapshot.with_field("pin", secret=True)]
    opened: int = len(tu.drift(report, report).opened)
    print(total, by_field, digest, remedies, frame_columns, rows, undone, snapshots, opened)


async def use_async() -> tu.Report:
    snapshot: tu.Snapshot = await tu.read_async(Devices(), "r")
    return await tu.reconcile_async(snapshot, "b.csv", key="id", mapping={"actual": {"fields": {"id": "ID"}}})
