"""The store, approvals, evidence and layers."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import trueup as tu
from shelf import Case, Shelf

FAR = dt.datetime(2999, 1, 1, tzinfo=dt.timezone.utc)
WISH = {1: "Emma", 2: "Dune"}
STATE = {1: "Ema", 4: "Hamlet"}


def test_findings_are_followed_and_suppressed(tmp_path: Path) -> None:
    store = tu.Store(tmp_path / "store.db")
    before = tu.reconcile([{"id": 1, "os": "14"}], [{"id": 1, "os": "13"}, {"id": 2, "os": "13"}], key="id", name="fleet")
    after = tu.reconcile([{"id": 1, "os": "14"}], [{"id": 1, "os": "12"}], key="id", name="fleet")
    assert len(store.follow(before).opened) == 2
    followed = store.follow(after)
    assert (len(followed.changed), len(followed.resolved)) == (1, 1)
    [open_] = [found for found in store.findings("fleet") if found.resolved_at is None]
    store.suppress(after, open_.id, owner="person:bo", reason="known", until=FAR)
    assert store.follow(after).suppressed == 1
    [hidden] = [found for found in store.findings("fleet") if found.suppressed]
    assert hidden.suppressed == {"owner": "person:bo", "reason": "known", "until": FAR}
    store.unsuppress(after, open_.id, by="person:bo")
    assert store.follow(after).suppressed == 0
    with pytest.raises(tu.InvalidError):
        store.note_agreed(after)
    agreed = tu.reconcile([{"id": 1}], [{"id": 1}], key="id", name="fleet")
    store.note_agreed(agreed)
    assert store.last_agreed("fleet") == {"expected": 1, "actual": 1}


def test_readings_backup_and_restore(tmp_path: Path) -> None:
    with tu.Store(tmp_path / "store.db") as store:
        reading = Shelf(STATE).read("books")
        store.note_reading(reading)
        assert store.readings("shelf")[0]["read_id"] == reading.provenance["read_id"]
        store.backup(tmp_path / "copy.db")
    with pytest.raises(ValueError, match="closed"):
        store.verify()
    with tu.Store.restore(tmp_path / "copy.db", tmp_path / "again.db") as again:
        assert [entry["kind"] for entry in again.log_entries()][0] == "reading.noted"
        assert again.verify()["entries"] == 2 and len(again.readings("shelf")) == 1
    (tmp_path / "broken.db").write_bytes((tmp_path / "copy.db").read_bytes()[:5000])
    with pytest.raises(tu.DataError):
        tu.Store(tmp_path / "broken.db", mode="open")
    with pytest.raises(tu.NotFoundError):
        tu.Store(tmp_path / "none.db", mode="open")
    with pytest.raises(tu.InvalidError, match="`bussy_ms`"):
        tu.Store(mode="in_memory", bussy_ms=1)


def test_evidence_is_verified_and_a_flipped_bit_is_found() -> None:
    case = Case(Shelf(STATE), WISH)
    run = case.run()
    log, bo = tu.Key.generate("trueup.local/log"), tu.Key.from_seed("bo.example", bytes(range(32)))
    pack = case.store.evidence(run, log, files={"report.html": ("text/html", case.compare().html().encode())})
    [note] = case.store.checkpoints()
    pack = tu.sign_evidence(pack, bo)
    verdict = tu.verify_evidence(pack, logs=[log.verifier], approvers=[bo.verifier], saved=note)
    assert verdict and set(verdict.signers) == {"trueup.local/log", "bo.example"} and verdict.anchored
    assert {file["name"] for file in verdict.files} >= {"plan.json", "receipts.json", "report.html"}
    altered = pack[:900] + bytes([pack[900] ^ 1]) + pack[901:]
    broken = tu.verify_evidence(altered, logs=[log.verifier])
    assert not broken and broken.problems and "\n" not in broken.problems[0]["what"]
    assert not tu.verify_evidence(b"nothing", logs=[log.verifier])
    assert case.store.verify_log(logs=[log.verifier], saved=note).holds
    forgotten = case.store.forget_person("person:bo", by="person:di", reason="asked")
    assert forgotten["entries"] == case.store.verify()["erased"] >= 1
    assert [answer.person for answer in case.store.answers(case.plan.digest)] == ["person:cy"]
    assert case.store.forget_before(FAR, by="person:di", reason="age")["entries"] > 5
    assert case.store.verify_log(logs=[log.verifier]).holds
    with pytest.raises(tu.InvalidError, match="no key"):
        tu.verify_evidence(pack, logs=["nobody"])


def test_a_host_keeps_its_own_key() -> None:
    inner = tu.Key.generate("trueup.local/log")
    signed: list[bytes] = []

    def sign(message: bytes) -> bytes:
        signed.append(message)
        return inner.sign(message)

    key = tu.Key.of_host(inner.verifier, sign)
    store = tu.Store(mode="in_memory")
    assert "trueup.local/log" in store.checkpoint(key) and signed

    def fail(message: bytes) -> bytes:
        raise OSError("no card in the reader")

    with pytest.raises(tu.Error, match="no card in the reader") as caught:
        store.checkpoint(tu.Key.of_host(inner.verifier, fail))
    assert isinstance(caught.value.__cause__, OSError)


def test_answers_of_every_kind() -> None:
    case = Case(Shelf(STATE), WISH)
    question = case.decision.question()
    assert question.asks[0]["count"] == 2

    def by(name: str, answer: str = "approve", **more: Any) -> tu.Approval:
        said: tu.Approval = getattr(question, answer)(f"person:{name}", roles="owner", **more)
        return said.attest("desk")

    assert question.standing([]).state == "waiting"
    assert question.standing([by("bo"), by("bo")]).state == "waiting"
    assert question.standing([by("bo"), by("ana")]).state == "waiting"
    no = by("di", "reject", reason="not now")
    assert question.standing([by("bo"), by("cy"), no]).state == "rejected"
    over = [by("bo", "override", reason="urgent"), by("cy", "override", reason="urgent")]
    assert question.standing([no, *over]).state == "granted"
    more = by("bo", "escalate", to="auditor", reason="odd")
    assert len(question.standing([by("bo"), by("cy"), more]).missing) == 1
    later = question.standing([by("bo"), by("cy"), by("di", "defer", until=question.expires)])
    assert (later.state, later.not_before) == ("waiting", question.expires)
    assert question.standing([by("bo"), by("cy")], now=question.expires).state == "expired"
    assert "asks for it" in (question.refusal(by("ana")) or "")
    assert question.refusal(by("bo")) is None
    unsigned = question.approve("person:bo", roles="owner")
    assert "nobody vouches" in (question.refusal(unsigned) or "")
    kept = tu.Approval(json.loads(json.dumps(dict(by("bo").data))))
    assert tu.Question(json.loads(json.dumps(dict(question.data)))).refusal(kept) is None
    key, other = tu.Key.generate("bo.example"), tu.Key.generate("bo.example")
    signed = unsigned.sign(key)
    assert question.refusal(signed, keys={"person:bo": [other.verifier, key.verifier]}) is None
    assert "signature" in (question.refusal(signed, keys={"person:bo": other.verifier}) or "")
    with pytest.raises(tu.InvalidError):
        question.standing([tu.Approval({"answer": "yes"})])


def test_glass_is_broken_by_two_for_an_hour() -> None:
    case = Case(Shelf({n: str(n) for n in range(60)}), {})
    assert case.decision.outcome == "deny"
    with pytest.raises(tu.ForbiddenError, match="denied"):
        case.decision.question()
    start = dt.datetime.now(dt.timezone.utc)
    hour = tu.Opening(case.who["actor"], ["delete-many"], "the release", start, start + dt.timedelta(hours=1))
    day = tu.Opening(case.who["actor"], ["delete-many"], "the release", start, start + dt.timedelta(hours=24))
    with pytest.raises(tu.ForbiddenError, match="four hours"):
        case.policy.break_glass_question(day)

    def yes(question: tu.Question) -> list[tu.Approval]:
        return [question.approve(f"person:{name}", roles="owner").attest("desk") for name in ("bo", "cy")]

    with pytest.raises(tu.ForbiddenError, match="missing"):
        case.policy.break_glass(hour, yes(case.policy.break_glass_question(hour))[:1])
    glass = case.policy.break_glass(hour, yes(case.policy.break_glass_question(hour)))
    decision = glass.decide(case.plan, **case.who)
    grant, review = glass.grant(decision, yes(decision.question()))
    assert review.due - start > dt.timedelta(hours=47) and glass.people == ["person:bo", "person:cy"]
    gate = tu.PolicyGate(case.policy, glass, **case.who)
    report = case.executor.execute(case.plan, grant, actual=case.shelf, gate=gate)
    assert report.counts["done"] == 60 and not case.shelf.books
    case.store.review(grant.id, "person:di")
    assert case.store.reviews()[0]["reviewed"]["by"] == "person:di"


def test_layers_and_tapes() -> None:
    calls: list[str] = []

    class Flaky(Shelf):
        def read_page(self, request: tu.ReadRequest) -> Any:
            calls.append(request.resource)
            if len(calls) < 3:
                raise tu.UnavailableError("not now")
            return super().read_page(request)

    patient = tu.layered(Flaky(STATE), retry={"attempts": 3, "first_ms": 1}, rate={"calls": 1000}, timeout={})
    assert len(patient.read("books")) == 2 and len(calls) == 3
    recorded = tu.record(Shelf(STATE))
    seen = recorded.connector.read("books")
    again = tu.replay(recorded.tape()).read("books")
    assert again.content_root("id") == seen.content_root("id")
    with pytest.raises(tu.NotFoundError, match="no resource `shelves`"):
        tu.replay(recorded.tape()).read("shelves")
    with pytest.raises(tu.InvalidError, match="`atempts`"):
        tu.layered(Shelf(), retry={"atempts": 3})
    with pytest.raises(tu.DataError):
        tu.replay("nothing")


def test_a_slow_system_is_given_up() -> None:
    class Slow(Shelf):
        async def read_page(self, request: tu.ReadRequest) -> Any:
            import asyncio

            await asyncio.sleep(30)

    with pytest.raises(tu.UnavailableError, match="did not answer within 50 ms"):
        tu.layered(Slow(), timeout={"ask_ms": 50}).read("books")


def test_a_store_is_refused_after_a_fork() -> None:
    program = """
import os, sys, trueup as tu
store = tu.Store(mode="in_memory")
store.verify()
pid = os.fork()
if pid == 0:
    try:
        store.verify()
    except tu.UnsupportedError as error:
        os._exit(0 if "forked" in str(error) else 2)
    os._exit(1)
_, status = os.waitpid(pid, 0)
sys.exit(os.waitstatus_to_exitcode(status))
"""
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=60, env=environment).returncode == 0


def test_a_field_may_be_called_like_a_type() -> None:
    state = tu.Snapshot([{"id": 1, "date": "old"}], provenance={"read_id": "r-1"})
    report = tu.reconcile([{"id": 1, "date": "new"}], state, key="id", name="days")
    assert report.plan().changes[0].after == {"date": "new"}
    [row] = report.findings
    assert report.explain(row["finding_id"]).expected == "new"
    odd = tu.reconcile([{"date": "a"}], [{"date": "b"}], key="date", name="days")
    assert {tuple(odd.explain(row["finding_id"]).key.items()) for row in odd.findings} == {
        (("date", "a"),),
        (("date", "b"),),
    }
