#!/usr/bin/env python3
"""Checks every golden vector and every scenario. `--write` fills in digests, never counts or findings."""
import json
import re
import sys
from pathlib import Path
from zoneinfo import available_timezones

import audit_topics
import digests
import merkle
import oracle
import policy as policies
from values import Refused, parse_type, read, same

ZONES = available_timezones()
ROOT = Path(__file__).resolve().parents[2]
VECTORS, SCENARIOS = ROOT / "docs/spec/vectors", ROOT / "tests/scenarios"
MEMBERS = ("name", "about", "reconciliation", "expected", "actual", "base", "mapping", "want", "plan")
WANTED = ("counts", "renamed", "counts_by_field", "findings", "rules_digest", "digest", "expected_root", "actual_root")


class Check:
    """Compares what a file says with what was computed; with `write`, digests in the file are replaced instead."""

    def __init__(self, write):
        self.write, self.wrong = write, []

    def same(self, what, want, got):
        if want != got: self.wrong.append(f"{what}: file says {want!r}, computed {got!r}")

    def hex(self, what, doc, member, got):
        got = got.hex() if isinstance(got, bytes) else got
        if self.write: doc[member] = got
        else: self.same(what, doc.get(member), got)


# --- vectors --------------------------------------------------------------------------------------------------------

def value_of(doc):
    return read(doc["value"], parse_type(doc["type"])) if doc.get("type") != "secret" else digests.SECRET


def unhex(text):
    return bytes.fromhex(text)


def values(v, check):
    got = digests.c(value_of(v))
    if "ascii" in v: check.same(v["about"], v["ascii"].encode(), got)
    check.hex(v["about"], v, "hex", got)


def key(v, check):
    check.hex(v["about"], v, "hex", digests.key_bytes(map(value_of, v["key"])))


def finding(v, check):
    part = digests.key_bytes(map(value_of, v["key"]))
    if u := v.get("unkeyed"): part = digests.unkeyed_key(part, u["side"], digests.c({n: value_of(x) for n, x in u["row"].items()}), u["occurrence"])
    check.hex(v["about"], v, "id", digests.finding_id(v["tenant"], v["name"], v["resource"], part, v["field"]))


def rule(v, check):
    r = oracle.Rule(v["rule"], "x", parse_type(v["type"]))
    text = digests.canonical_json(r.normal_form()).decode()
    check.hex(v["about"], v, "normal_form", text)
    check.hex(v["about"], v, "digest", digests.sha(v["normal_form"].encode()))


def rules(v, check):
    check.hex(v["about"], v, "digest", digests.rules_digest(v["key"], v["alternate_keys"], {n: json.loads(x) for n, x in v["fields"].items()}))


def side(v):
    if v is None: return b""
    if "rows" in v: return digests.frames(sorted(digests.c({n: value_of(x) for n, x in row.items()}) for row in v["rows"]))
    if "row" in v: return digests.c({n: value_of(x) for n, x in v["row"].items()})
    return digests.c(value_of(v))


def state(v, check):
    members = [digests.key_bytes(map(value_of, k)) for k in v["members"]]
    check.hex(v["about"], v, "state", digests.state(v["kind"], v["cause"], unhex(v["rule"]), side(v["expected"]), side(v["actual"]), members))


def report(v, check):
    pairs = [(unhex(i), unhex(s)) for i, s in v["findings"]]
    check.hex(v["about"], v, "digest", digests.report_digest(v["tenant"], v["name"], v["resource"], unhex(v["rules_digest"]),
                                                              v["expected_coverage"], v["actual_coverage"], v["counts"], pairs))


def tree(v, check):
    typed = [{n: value_of(x) for n, x in row.items()} for row in v["rows"]]
    hashes = merkle.leaves((digests.key_bytes(row[k] for k in v["key"]), digests.c(row)) for row in typed)
    check.hex(v["about"], v, "leaves", [h.hex() for h in hashes])
    check.hex(v["about"], v, "root", merkle.root(hashes))
    paths = [{"index": i, "path": [h.hex() for h in merkle.proof(i, hashes)]} for i in range(len(hashes))]
    check.hex(v["about"], v, "proofs", paths)
    for p in v["proofs"]:
        path = [unhex(h) for h in p["path"]]
        check.same(f"{v['about']}, walking proof {p['index']}", unhex(v["root"]), merkle.root_from(hashes[p["index"]], p["index"], len(hashes), path))


def plan(v, check):
    changes = [change(x, value_of, value_of) for x in v["changes"]]
    check.hex(v["about"], v, "digest", digests.plan_digest(v["tenant"], v["name"], v["resource"], v["expected_read"], v["actual_read"], changes, v["details"], v.get("mappings", {}).items()))
    check.hex(v["about"], v, "keys", [idempotency_key(v, x, names) for x, (names, _) in zip(v["changes"], v["details"]["changes"])])


def idempotency_key(v, x, names):
    side, row = ("expected", "actual").index(x["target"]), lambda fields: digests.c({n: value_of(y) for n, y in fields.items()})
    after = row(x["after"]) if x.get("after") else b""
    return digests.idempotency_key(v["tenant"], v["expected_read"], v["actual_read"], x["target"], v["details"]["systems"][side],
                                   v["details"]["resources"][side], x["op"], row(dict(zip(names, x["key"]))), after, v.get("mappings", {}).get(x["target"]))


def change(x, old, new):
    """One change as the bytes of its seven members and its wave; `old` and `new` read the values before and after."""
    one = lambda doc, value: digests.c(value(doc)) if doc is not None else b""
    row = lambda doc, value: digests.c({n: value(y) for n, y in doc.items()}) if doc is not None else b""
    keyed = digests.key_bytes(map(new if x["op"] == "create" else old, x["key"]))
    return (x["target"], x["op"], keyed, one(x.get("id"), old), one(x.get("version"), old), row(x.get("before"), old), row(x.get("after"), new), x["wave"])


def log_tree(v, check):
    hashes = [digests.sha(b"\0" + unhex(leaf)) for leaf in v["leaf_data"]]
    check.same(v["about"], v["roots"], [merkle.root(hashes[:n]).hex() for n in range(len(hashes) + 1)])


def policy(v, check):
    check.hex(v["about"], v, "normal_form", digests.canonical_json(policies.normal_form(v["document"])).decode())
    check.hex(v["about"], v, "hash", policies.policy_hash(policies.normal_form(v["document"])))


def against(v, check):
    check.hex(v["about"], v, "digest", policies.against(unhex(v["plan"]), v["counts"]))


def approval(v, check):
    check.hex(v["about"], v, "to_sign", policies.to_sign(v["body"]))


def opening(v, check):
    check.hex(v["about"], v, "digest", policies.tagged("opening", v["body"]))


def grant(v, check):
    check.hex(v["about"], v, "id", policies.tagged("grant", v["body"]))


TOPICS = {f.__name__: f for f in (values, key, finding, rule, rules, state, report, tree, log_tree, plan, policy, against, approval, opening, grant)} | audit_topics.TOPICS


# --- scenarios ------------------------------------------------------------------------------------------------------

def scenario(doc, check):
    for member in doc: oracle.require_known("member of the scenario", member, MEMBERS)
    want = doc["want"]
    try:
        run = oracle.Run(doc["reconciliation"], doc["expected"], doc["actual"], doc.get("base"), doc.get("mapping"))
    except Refused as refused:
        error = want.get("error", {"kind": None, "contains": []})
        check.same("error kind", error["kind"], refused.kind)
        for text in error["contains"]: check.same(f"{text!r} in {refused.message!r}", True, text in refused.message)
        return
    if "error" in want: return check.same("outcome", want["error"]["kind"], "no error")
    for member in want: oracle.require_known("member of want", member, WANTED)
    check.same("counts", want["counts"], {k: run.counts[k] for k in oracle.COUNTS})
    check.same("counts_by_field", want["counts_by_field"], dict(sorted(run.by_field.items())))
    check.same("renamed", want.get("renamed", 0), run.renamed)
    check.same("number of findings", len(want["findings"]), len(run.findings))
    for i, (w, got) in enumerate(zip(want["findings"], run.findings)): found(f"finding {i}", w, got, run, check)
    check.hex("rules_digest", want, "rules_digest", run.rules_digest)
    check.hex("digest", want, "digest", run.digest())
    check.hex("expected_root", want, "expected_root", run.root(run.e))
    check.hex("actual_root", want, "actual_root", run.root(run.a))
    check.same("sum of the counts", len(run.identities), sum(run.counts.values()) - run.counts["unkeyed"])
    other = turned(doc)
    check.same("digest with the rows turned round", run.digest(), other.digest())
    check.same("findings with the rows turned round", [shown(f) for f in run.findings], [shown(f) for f in other.findings])
    if "plan" in doc: planned(doc["plan"], run, check)


def shown(f):
    return f["id"], f["state"], f["kind"], digests.c(f["key"]), f["field"], f["expected"], f["actual"], f["cause"]


def turned(doc):
    """The same run with every side's rows in reverse order."""
    sides = [{**doc[m], "rows": doc[m]["rows"][::-1]} if m in doc else None for m in ("expected", "actual", "base")]
    return oracle.Run(doc["reconciliation"], *sides, doc.get("mapping"))


def found(what, want, got, run, check):
    for m in ("kind", "field", "expected", "actual"): check.same(f"{what} {m}", want[m], got[m])
    check.same(f"{what} cause", want.get("cause"), got["cause"])
    check.same(f"{what} has a cause member", run.base is not None, "cause" in want)
    given = {k: read(v, got["types"].get(k, ("text",))) for k, v in want["key"].items()}
    check.same(f"{what} key {want['key']}", True, same(given, got["key"]))
    check.hex(f"{what} id", want, "id", got["id"])
    check.hex(f"{what} state", want, "state", got["state"])


def planned(doc, run, check):
    changes = []
    for x in doc["changes"]:
        target, source = (run.a, run.e) if x["target"] == "actual" else (run.e, run.a)
        typed = lambda s, fields: {n: {"type": s.fields[n]["type"], "value": v} for n, v in fields.items()} if fields is not None else None
        special = lambda role: next(({"type": f["type"], "value": x[role]} for f in target.fields.values() if f.get("role") == role and x.get(role) is not None), None)
        ready = {"target": x["target"], "op": x["op"], "wave": x["wave"], "id": special("id"), "version": special("version"),
                 "key": list(typed(source if x["op"] == "create" else target, x["key"]).values()),
                 "before": typed(target, x.get("before")), "after": typed(source, x.get("after"))}
        parsed = lambda v: read(v["value"], v["type"])
        changes.append(change(ready, parsed, parsed))
    check.hex("plan digest", doc, "digest", digests.plan_digest(*run.names, doc["expected_read"], doc["actual_read"], changes, doc["details"]))


# --- files ----------------------------------------------------------------------------------------------------------

def dump(x, indent=0):
    """Readable JSON: anything flat, or short, on one line; a finding, a change or a row always on one."""
    line = json.dumps(x, ensure_ascii=False)
    flat = isinstance(x, dict) and ("kind" in x or "op" in x) and "type" not in x or isinstance(x, (list, dict)) and not any(isinstance(y, (list, dict)) for y in (x.values() if isinstance(x, dict) else x))
    if not isinstance(x, (list, dict)) or flat and indent or len(line) + indent < 118: return line
    pad, inner = " " * indent, " " * (indent + 1)
    if isinstance(x, list): return "[\n" + ",\n".join(inner + dump(y, indent + 1) for y in x) + f"\n{pad}]"
    return "{\n" + ",\n".join(f"{inner}{json.dumps(k)}: {dump(v, indent + 1)}" for k, v in x.items()) + f"\n{pad}}}"


def run_file(path, write, cases):
    doc = json.loads(path.read_text("utf-8"))
    passed = failed = 0
    for label, case, judge in cases(doc, path):
        if not ZONES and '"zone"' in json.dumps(case):
            print(f"SKIPPED {path.name} {label}: no zone data on this machine; install tzdata")
            continue
        check = Check(write)
        try: judge(case, check)
        except Exception as error: check.wrong.append(f"{type(error).__name__}: {error}")
        failed, passed = failed + bool(check.wrong), passed + (not check.wrong)
        for line in check.wrong: print(f"FAILED {path.name} {label}: {line}")
    if write: path.write_text(dump(doc) + "\n", "utf-8")
    return passed, failed


def vector_cases(doc, path):
    return [(f"{topic} {i}", v, TOPICS[topic]) for topic, vs in doc.items() if topic != "about" for i, v in enumerate(vs)]


def scenario_cases(doc, path):
    def judge(doc, check):
        check.same("name", doc["name"], path.stem)
        scenario(doc, check)
    return [("", doc, judge)]


def stale_examples():
    """Digests in the text of the specification that no vector has."""
    known = "".join(p.read_text("utf-8") for p in VECTORS.glob("*.json"))
    return [f"FAILED {p.name}: `{h}` is in no vector" for p in VECTORS.parent.glob("*.md")
            for h in re.findall(r"\b[0-9a-f]{32,}\b", p.read_text("utf-8")) if h not in known]


def main():
    write, total = "--write" in sys.argv[1:], [0, 0]
    for folder, cases in ((VECTORS, vector_cases), (SCENARIOS, scenario_cases)):
        for path in sorted(folder.glob("*.json")):
            result = run_file(path, write, cases)
            total = [a + b for a, b in zip(total, result)]
    stale = stale_examples()
    for line in stale: print(line)
    total[1] += len(stale)
    print(f"{total[0]} passed, {total[1]} failed")
    return 1 if total[1] or not total[0] else 0


if __name__ == "__main__":
    sys.exit(main())
