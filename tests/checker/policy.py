"""Policies: their normal form and hash, and the digests of decisions, answers, grants and openings (docs/spec/policy.md)."""
import re

import digests

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
ONE_OR_MANY = {"actor", "on_behalf_of", "action", "resource", "environment", "evidence", "days", "roles", "break_glass"}
TABLES = {"rule", "window", "freeze"}
LENGTHS = {"valid", "within", "timeout"}


def length(text):
    return int(text[:-1]) * SECONDS[text[-1]]


def share(text):
    whole, _, fraction = text[:-1].partition(".")
    return int(whole + fraction.ljust(4, "0"))


def ordered(items):
    return sorted(items, key=digests.canonical_json)


def normal_form(x, name=""):
    """`name` is the member that `x` is the value of."""
    if name in ONE_OR_MANY: return ordered(set([x] if isinstance(x, str) else x))
    if name in TABLES: return ordered(normal_form(y) for y in x)
    if name in LENGTHS or name == "per" and re.fullmatch("[0-9]+[smhd]", x): return length(x)
    if name in ("share", "stale_share"): return share(x)
    if name in ("from", "to") and "T" in x: return x if x.count(":") == 2 else x + ":00"
    if name == "facts": return x
    return {k: normal_form(v, k) for k, v in x.items()} if isinstance(x, dict) else x


def policy_hash(normal):
    return digests.H("trueup/policy/1", digests.canonical_json(normal))


def tagged(topic, body):
    return digests.H(f"trueup/{topic}/1", digests.canonical_json(body))


def against(plan, counts):
    return digests.H("trueup/against/1", plan, digests.canonical_json(counts))


def to_sign(body):
    return digests.frames([b"trueup/approval/1", digests.canonical_json(body)])
