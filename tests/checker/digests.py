"""The digest core of trueup, in plain Python: an independent reading of docs/spec, short enough to audit.

A value is None, bool, int, float, Decimal, str, bytes, Time, list, dict or SECRET.
"""
import hashlib
import json
import math
from collections import namedtuple
from decimal import Decimal

Time = namedtuple("Time", "tag count")  # d: days; l: nanoseconds, no zone; i: nanoseconds since the Unix epoch
SECRET = object()


def sha(data):
    return hashlib.sha256(data).digest()


def frame(data):
    return len(data).to_bytes(8, "big") + data


def frames(parts):
    return b"".join(frame(p.encode() if isinstance(p, str) else p) for p in parts)


def H(*parts):
    return sha(frames(parts))


def number(x):
    if isinstance(x, float) and not math.isfinite(x):
        return "nan" if math.isnan(x) else "inf" if x > 0 else "-inf"
    sign, digits, exponent = Decimal(x).as_tuple()  # exact: the constructor never rounds
    text = "".join(map(str, digits)).lstrip("0")
    bare = text.rstrip("0")
    return f"{'-' * sign}{bare}e{exponent + len(text) - len(bare)}" if bare else "0"


def c(v):
    if v is SECRET: return b"*"
    if v is None: return b"n"
    if isinstance(v, bool): return b"t" if v else b"f"
    if isinstance(v, (int, float, Decimal)): return b"#" + number(v).encode()
    if isinstance(v, str): return b"s" + v.encode()
    if isinstance(v, bytes): return b"b" + v
    if isinstance(v, Time): return f"{v.tag}{v.count}".encode()
    if isinstance(v, list): return b"[" + frames(map(c, v))
    return b"{" + b"".join(frame(k.encode()) + frame(c(v[k])) for k in sorted(v))


def canonical_json(x):
    def sort(x):
        if isinstance(x, dict): return {k: sort(x[k]) for k in sorted(x, key=lambda k: k.encode("utf-16-be"))}
        return [sort(y) for y in x] if isinstance(x, (list, tuple)) else x
    return json.dumps(sort(x), separators=(",", ":"), ensure_ascii=False).encode()


def key_bytes(values):
    return frames(map(c, values))


def finding_id(tenant, name, resource, key, field=""):
    return H("trueup/finding/1", tenant, name, resource, key, field)[:16]


def unkeyed_key(key, side, row, occurrence):
    return key + frames([side, sha(row), str(occurrence)])


def rule_digest(normal_form):
    return sha(canonical_json(normal_form))


def rules_digest(key, alternate_keys, fields):
    return H("trueup/rules/1", canonical_json({"alternate_keys": alternate_keys, "fields": fields, "key": key}))


def state(kind, cause, rule, expected=b"", actual=b"", members=()):
    return H("trueup/state/1", kind, cause, rule, expected, actual, frames(sorted(set(members))))


def report_digest(tenant, name, resource, rules, expected_coverage, actual_coverage, counts, pairs):
    return H("trueup/report/1", tenant, name, resource, rules, canonical_json(expected_coverage),
             canonical_json(actual_coverage), canonical_json(counts), b"".join(i + s for i, s in sorted(pairs)))


def plan_digest(tenant, name, resource, expected_read, actual_read, changes, details, mappings=()):
    """changes: (target, op, key bytes, id, version, before, after, wave), the middle four as c(v) or empty."""
    parts = [frames([*change[:7], str(change[7])]) for change in changes]
    parts += [frames(["mapping", side, canonical_json(mapping)]) for side, mapping in mappings]
    parts.append(frames(["details", canonical_json(details)]))
    return H("trueup/plan/1", tenant, name, resource, expected_read, actual_read, *parts)


def idempotency_key(tenant, expected_read, actual_read, target, system, resource, op, key, after, mapping=None):
    """key and after: c(struct) or empty; a mapping that is not empty is one more part."""
    more = [] if mapping is None else [frames(["mapping", target, canonical_json(mapping)])]
    return H("trueup/key/1", tenant, expected_read, actual_read, target, canonical_json(system), resource, op, key, after, *more).hex()[:32]
