"""A naive reconciler: the semantics of docs/spec in plain Python, for checking; nothing in it is fast."""
from collections import Counter, defaultdict

import digests
import merkle
from digests import SECRET, c, key_bytes
from rules import Rule, invalid
from values import Refused, comparable, order, parse_type, read, same, show, type_text, unknown

DOC = ("name", "tenant", "resource", "key", "alternate_keys", "fields", "compare")
SIDES = ("expected", "actual")
KINDS = ("missing", "unexpected", "changed", "duplicate", "unkeyed", "conflict", "ambiguous")
COUNTS = ("matched", "missing", "unexpected", "changed", "duplicate", "ambiguous", "conflict", "uncovered", "unkeyed")
RESERVED = ("finding_id", "kind", "field", "expected", "actual", "cause")


class Side:
    """One snapshot, read and mapped to canonical names and values."""

    def __init__(self, name, doc, mapping):
        self.name, self.coverage = name, doc.get("coverage", "complete")
        names = [f["name"] for f in doc["fields"]]
        for n in names:
            if names.count(n) > 1: raise Refused("data", f"column `{n}` appears twice on the {name} side")
        types = {f["name"]: parse_type(f["type"]) for f in doc["fields"]}
        self.rows = []
        for cells in doc["rows"]:
            if len(cells) != len(names): raise Refused("data", f"a row of the {name} side has {len(cells)} cells for {len(names)} fields")
            self.rows.append({n: read(x, types[n]) for n, x in zip(names, cells)})
        self.source_rows, self.source_names = self.rows, {n: n for n in names}
        self.fields = {f["name"]: {**f, "type": types[f["name"]]} for f in doc["fields"]}
        if mapping: self.map(mapping)

    def map(self, mapping):
        back = {}
        for canonical, system in mapping.get("fields", {}).items():
            if system not in self.fields: raise unknown(f"{self.name} field", system, self.fields)
            if system in back: raise invalid(f"`{system}` is mapped twice")
            back[system] = canonical
        names = [back.get(n, n) for n in self.fields]
        for n in names:
            if names.count(n) > 1: raise invalid(f"the mapping of the {self.name} side gives two fields called `{n}`")
        self.source_names = dict(zip(names, self.fields))
        values = {f: self.table(f, t, names) for f, t in mapping.get("values", {}).items()}
        self.rows = [{n: self.value(values, n, v) for n, v in zip(names, row.values())} for row in self.rows]
        self.fields = dict(zip(names, self.fields.values()))
        self.coverage = rename(self.coverage, back, values, lambda f, v: self.value(values, f, v))

    def table(self, field, table, names):
        if field not in names: raise unknown("field", field, names)
        if self.fields[self.source_names[field]]["type"] != ("text",): raise invalid(f"the value table of `{field}` needs a text field")
        back = {system: canonical for canonical, system in table.items()}
        if len(back) < len(table): raise invalid(f"the value table of `{field}` is not one-to-one")
        return back, set(table)

    def value(self, tables, field, value):
        if value is None or field not in tables: return value
        back, canonical = tables[field]
        if value in back: return back[value]
        if value in canonical: raise Refused("data", f"`{value}` in `{field}` of the {self.name} side is a canonical value that its value table uses for another")
        return value

    def root_leaves(self, key):
        """Leaf hashes over the snapshot as its system gave it: own names, own values, secrets left out."""
        secret = {self.source_names[n] for n, f in self.fields.items() if f.get("secret")}
        key = [self.source_names[k] for k in key]
        return merkle.leaves((key_bytes(row[k] for k in key), c({n: v for n, v in row.items() if n not in secret}))
                              for row in self.source_rows)


def rename(p, back, tables, value):
    """A coverage with a mapping applied to its field names and literals."""
    if isinstance(p, str): return p
    field = back.get(p.get("field"), p.get("field"))
    out = {}
    for member, inner in p.items():
        if member in ("all", "any"): out[member] = [rename(x, back, tables, value) for x in inner]
        elif member in ("not", "within"): out[member] = rename(inner, back, tables, value)
        elif member == "field": out[member] = field
        elif member == "in": out[member] = [value(field, x) for x in inner]
        elif member == "is": out[member] = value(field, inner)
        elif field in tables: raise invalid(f"coverage of `{field}`, which has a value table, takes `is` and `in` only, not `{member}`")
        else: out[member] = inner
    return out


class Row:
    """A row under the rules: normalised values, key bytes, and row bytes with (full) and without (row) secrets."""

    def __init__(self, side, raw, run):
        self.side, self.raw = side, raw
        self.values = {f: run.rules[f].normalise(raw[f]) for f in run.wanted if f in raw}
        self.key = [self.values[k] for k in run.key]
        self.key_bytes = key_bytes(self.key)
        picked = {f: self.values[f] for f in {*run.key, *run.compared}}
        self.full = c(picked)
        self.row = c({f: SECRET if f in run.secret else v for f, v in picked.items()})


class Run:
    def __init__(self, doc, expected, actual, base=None, mapping=None):
        rec, mapping = doc, mapping or {}
        for member in rec: require_known("member of the reconciliation", member, DOC)
        for member in mapping: require_known("side of the mapping", member, SIDES)
        self.names = [rec.get(m, "") for m in ("tenant", "name", "resource")]
        self.e, self.a = Side("expected", expected, mapping.get("expected")), Side("actual", actual, mapping.get("actual"))
        self.base = Side("base", base, None) if base else None
        self.read_fields(rec)
        self.rules_digest = digests.rules_digest(self.key, self.alternates, {f: r.normal_form() for f, r in self.rules.items()})
        self.coverage = {s.name: self.read_coverage(s, o) for s, o in ((self.e, self.a), (self.a, self.e))}
        self.findings, self.counts, self.by_field = [], Counter({k: 0 for k in COUNTS}), Counter()
        self.renamed = 0
        self.reconcile()

    # --- the rules of the run -------------------------------------------------------------------------------------

    def read_fields(self, rec):
        e, a = self.e.fields, self.a.fields
        every = {**e, **a}
        self.key, self.alternates = rec.get("key", []), rec.get("alternate_keys", [])
        ruled, chosen = rec.get("compare", {}), rec.get("fields", "all")
        if not self.key: raise invalid("the key is empty")
        for what, fields in [("key field", self.key), *(("alternate key field", k) for k in self.alternates)]:
            if len(set(fields)) < len(fields) or not fields: raise invalid(f"{what}s must be named once each")
            for f in fields: require_known(what, f, every)
        for f in ruled: require_known("field", f, every)
        if isinstance(chosen, str): require_known("value of `fields`:", chosen, ("all", "common"))
        else:
            for f in chosen: require_known("field", f, every)
        self.secret = {f for f in every if e.get(f, {}).get("secret") or a.get(f, {}).get("secret")}
        for f in self.key:
            if f in self.secret: raise invalid(f"key field `{f}` is secret")
        needed = {*self.key, *sum(self.alternates, [])}
        bound = {f for f in every if {"id", "version"} & {e.get(f, {}).get("role"), a.get(f, {}).get("role")}} - set(self.key)
        self.rules = {}
        for f in every:
            if f in ruled or f in needed or f in e and f in a: self.rules[f] = Rule(ruled.get(f, "exact"), f, self.literal_type(f))
        ignored = {f for f, r in self.rules.items() if r.compare == "ignore"}
        for f in bound:
            if f in ruled and f not in ignored or not isinstance(chosen, str) and f in chosen:
                raise invalid(f"field `{f}` is an id or version and is never compared")
        for f in self.key:
            if self.rules[f].compare != "exact": raise invalid(f"key field `{f}` takes normalising rules only, not `{self.rules[f].compare}`")
        picked = every if isinstance(chosen, str) else chosen
        candidates = [f for f in [*e, *(f for f in a if f not in e)] if f in picked and f not in {*self.key, *ignored, *bound}]
        shared = lambda f: f in e and f in a
        lonely = [f for f in every if f in needed or f in candidates and chosen != "common"]
        lonely = [f for f in lonely if not shared(f)]
        if lonely:
            paste = ", ".join(f'"{f}": ignore()' for f in lonely)
            raise Refused("incompatible", f"fields on one side only: {', '.join(f'`{f}`' for f in lonely)}; to leave them out: compare={{{paste}}}")
        self.compared = [f for f in candidates if shared(f)]
        self.wanted = [f for f in every if f in {*self.key, *self.compared, *needed}]
        for f in self.wanted: self.check_class(f)
        self.rules = {f: r for f, r in self.rules.items() if f in ruled or f in self.wanted}

    def literal_type(self, f):
        t = (self.e.fields.get(f) or self.a.fields[f])["type"]
        return self.a.fields[f]["type"] if t[0] == "null" and f in self.a.fields else t

    def check_class(self, f):
        for side in [self.a, self.base]:
            if side is None: continue
            if f not in side.fields: raise Refused("incompatible", f"field `{f}` is not in the {side.name} side")
            t, u = self.e.fields[f]["type"], side.fields[f]["type"]
            if {t[0], u[0]} == {"datetime", "instant"} and self.rules[f].zone: continue
            if not comparable(t, u):
                hint = "; name a `zone` in its rule" if {t[0], u[0]} == {"datetime", "instant"} else ""
                raise Refused("incompatible", f"field `{f}` is {type_text(t)} on the expected side and {type_text(u)} on the {side.name} side{hint}")

    # --- coverage --------------------------------------------------------------------------------------------------

    def read_coverage(self, side, other):
        if isinstance(side.coverage, str):
            require_known("coverage", side.coverage, ("complete", "partial"))
            return side.coverage
        for member in side.coverage: require_known("coverage", member, ("within",))
        return {"within": self.read_predicate(side.coverage["within"], side, other)}

    def read_predicate(self, p, side, other):
        """The normal form: every literal as the hex of its canonical value, by the type of the side that declares it."""
        for member in p: require_known("member of a predicate", member, ("all", "any", "not", "field", "is", "in", "from", "to", "starts_with"))
        for m in ("all", "any"):
            if m in p: return {m: [self.read_predicate(x, side, other) for x in p[m]]}
        if "not" in p: return {"not": self.read_predicate(p["not"], side, other)}
        f = p["field"]
        require_known("field", f, side.fields)
        if f in self.secret or f not in self.key and not side.fields[f].get("immutable"):
            raise invalid(f"coverage may only name key or immutable fields, not `{f}`")
        if f not in other.fields: raise Refused("incompatible", f"the coverage of the {side.name} side names `{f}`, which the {other.name} side lacks")
        types = side.fields[f]["type"], other.fields[f]["type"]
        if not comparable(*types) and not (f in self.rules and self.rules[f].zone):
            raise Refused("incompatible", f"the coverage of the {side.name} side names `{f}`, which is {type_text(types[0])} there and {type_text(types[1])} on the {other.name} side")
        literal = lambda x: c(read(x, side.fields[f]["type"], "invalid")).hex()
        out = {"field": f}
        for m in ("is", "from", "to"):
            if m in p: out[m] = literal(p[m])
        if "in" in p: out["in"] = [literal(x) for x in p["in"]]
        if "starts_with" in p: out["starts_with"] = p["starts_with"]
        return out

    def covers(self, side, row):
        """Whether a side's coverage includes a row of the other side."""
        if isinstance(side.coverage, str): return side.coverage == "complete"
        return self.holds(side.coverage["within"], side, row)

    def holds(self, p, side, row):
        if "all" in p: return all(self.holds(x, side, row) for x in p["all"])
        if "any" in p: return any(self.holds(x, side, row) for x in p["any"])
        if "not" in p: return not self.holds(p["not"], side, row)
        rule = self.rules.get(p["field"]) or Rule("exact", p["field"], side.fields[p["field"]]["type"])
        literal = lambda x: rule.normalise(read(x, side.fields[p["field"]]["type"], "invalid"))
        value = rule.normalise(row.raw[p["field"]])
        if "is" in p: return same(value, literal(p["is"]))
        if "in" in p: return any(same(value, literal(x)) for x in p["in"])
        if value is None: return False
        if "starts_with" in p: return value.startswith(rule.fold_prefix(p["starts_with"]))
        return ("from" not in p or order(literal(p["from"])) <= order(value)) and ("to" not in p or order(value) < order(literal(p["to"])))

    # --- reconciling -----------------------------------------------------------------------------------------------

    def reconcile(self):
        self.agreed = self.read_base()
        groups = defaultdict(lambda: ([], []))
        for i, side in enumerate((self.e, self.a)):
            loose = []
            for raw in side.rows:
                row = Row(side, raw, self)
                if any(v is None for v in row.key): loose.append(row)
                else: groups[row.key_bytes][i].append(row)
            self.unkeyed(side, loose)
        self.identities = set(groups)
        single = ({}, {})
        for key, rows in groups.items():
            if max(map(len, rows)) > 1: self.several(key, *rows)
            elif all(rows): self.pair(key, rows[0][0], rows[1][0])
            else: single[0 if rows[0] else 1][key] = (rows[0] or rows[1])[0]
        for fields in self.alternates: self.join(fields, *single)
        for rows, kind in zip(single, ("missing", "unexpected")):
            for row in rows.values(): self.alone(row, kind)
        self.findings.sort(key=lambda f: f["sort"])

    def read_base(self):
        agreed = {}
        for raw in self.base.rows if self.base else ():
            row = Row(self.base, raw, self)
            if row.key_bytes in agreed or None in row.key: raise Refused("data", "the base has a null or repeated key")
            agreed[row.key_bytes] = row
        return agreed

    def unkeyed(self, side, rows):
        seen = Counter()
        for row in sorted(rows, key=lambda r: r.row):
            part = digests.unkeyed_key(row.key_bytes, side.name, row.row, seen[row.row])
            seen[row.row] += 1
            self.counts["unkeyed"] += 1
            self.add("unkeyed", row, part, state=self.state("unkeyed", "", **{side.name: row.row}))

    def several(self, key, expected, actual):
        """A key with more than one row on a side: equal rows cancel, one for one."""
        left = [Counter(r.full for r in rows) for rows in (expected, actual)]
        e_left, a_left = left[0] - left[1], left[1] - left[0]
        if not e_left and not a_left: self.counts["matched"] += 1
        elif e_left.total() == a_left.total() == 1:
            pick = lambda rows, left: min((r for r in rows if r.full in left), key=lambda r: [order(v) for v in r.raw.values()])
            self.pair(key, pick(expected, e_left), pick(actual, a_left))
        else:
            self.counts["duplicate"] += 1
            packed = [digests.frames(sorted(r.row for r in rows)) for rows in (expected, actual)]
            shown = min(expected or actual, key=lambda r: [order(r.raw[k]) for k in self.key])
            self.add("duplicate", shown, key, expected=str(len(expected)), actual=str(len(actual)), state=self.state("duplicate", "", *packed))

    def pair(self, key, e, a, renamed=()):
        """Two rows of one identity: field by field under the rules; renamed lists the differing fields of the key."""
        differing = [f for f in self.e.fields if f in renamed or f in self.compared and not self.rules[f].equal(e.values[f], a.values[f])]
        if not differing:
            self.counts["matched"] += 1
            return
        causes = {f: self.cause(f, e, a, f in renamed) for f in differing}
        kind = "conflict" if "both" in causes.values() else "changed"
        self.counts[kind] += 1
        self.renamed += bool(renamed)
        for f in differing:
            self.by_field[f] += 1
            values = [SECRET if f in self.secret else r.values[f] for r in (e, a)]
            shown = [show(SECRET if f in self.secret else r.raw[f], r.side.fields[f]["type"]) for r in (e, a)]
            state = digests.state(kind, causes[f] or "", self.rules[f].digest(), *map(c, values))
            self.add(kind, e, key, f, *shown, causes[f], state)

    def cause(self, f, e, a, in_key):
        if not self.base: return None
        be, ba = self.agreed.get(e.key_bytes), self.agreed.get(a.key_bytes)
        b = be or ba
        if b is None or e.key_bytes != a.key_bytes and be and ba: return "unknown"
        if in_key: return "actual_changed" if be else "expected_changed"
        e_kept, a_kept = self.rules[f].equal(e.values[f], b.values[f]), self.rules[f].equal(b.values[f], a.values[f])
        return {(False, True): "expected_changed", (True, False): "actual_changed", (False, False): "both", (True, True): "unknown"}[e_kept, a_kept]

    def join(self, fields, expected, actual):
        """Unmatched rows that meet on an alternate key: one to one is a rename, anything more is ambiguous."""
        meet = defaultdict(lambda: ([], []))
        for i, rows in enumerate((expected, actual)):
            for key, row in rows.items():
                values = [row.values[f] for f in fields]
                if None not in values: meet[key_bytes(values)][i].append(key)
        for e_keys, a_keys in meet.values():
            if not e_keys or not a_keys: continue
            es, as_ = [expected.pop(k) for k in e_keys], [actual.pop(k) for k in a_keys]
            if len(es) == len(as_) == 1:
                self.identities.discard(a_keys[0])
                self.pair(e_keys[0], es[0], as_[0], [f for f in self.key if not same(es[0].values[f], as_[0].values[f])])
                continue
            for rows, others in ((es, a_keys), (as_, e_keys)):
                for row in rows:
                    self.counts["ambiguous"] += 1
                    state = self.state("ambiguous", "", members=others, **{row.side.name: row.row})
                    self.add("ambiguous", row, row.key_bytes, expected=str(len(es)), actual=str(len(as_)), state=state)

    def alone(self, row, kind):
        other = self.a if row.side is self.e else self.e
        if not self.covers(other, row):
            self.counts["uncovered"] += 1
            return
        cause = None
        if self.base:
            b = self.agreed.get(row.key_bytes)
            cause = "unknown"
            if b:
                pairs = [(row, b) if row.side is self.e else (b, row)]
                kept = all(self.rules[f].equal(x.values[f], y.values[f]) for x, y in pairs for f in self.compared)
                deleter = "actual_changed" if row.side is self.e else "expected_changed"
                kind, cause = (kind, deleter) if kept else ("conflict", "both")
        self.counts[kind] += 1
        self.add(kind, row, row.key_bytes, cause=cause, state=self.state(kind, cause or "", **{row.side.name: row.row}))

    def state(self, kind, cause, expected=b"", actual=b"", members=()):
        return digests.state(kind, cause, self.rules_digest, expected, actual, members)

    def add(self, kind, row, key, field=None, expected=None, actual=None, cause=None, state=b""):
        place = list(self.e.fields).index(field) if field else -1
        fid = digests.finding_id(*self.names, key, field or "")
        self.findings.append({
            "id": fid, "state": state, "kind": kind, "key": {k: row.raw[k] for k in self.key}, "field": field,
            "types": {k: row.side.fields[k]["type"] for k in self.key},
            "expected": expected, "actual": actual, "cause": cause,
            "sort": ([order(v) for v in row.key], KINDS.index(kind), place, fid)})

    def digest(self):
        counts = {k: self.counts[k] for k in COUNTS}
        pairs = [(f["id"], f["state"]) for f in self.findings]
        return digests.report_digest(*self.names, self.rules_digest, self.coverage["expected"], self.coverage["actual"], counts, pairs)

    def root(self, side):
        return merkle.root(side.root_leaves(self.key))


def require_known(what, name, names):
    if name not in names: raise unknown(what, str(name), names)
