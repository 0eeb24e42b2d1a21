"""Rules as data: reading them, their normal form, normalising a value and comparing two."""
import re
import unicodedata
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from zoneinfo import ZoneInfo, available_timezones

from digests import Time, c, number, rule_digest
from values import NS, Refused, class_of, local_to_instant, read, same, type_text, unknown

WORDS = ("exact", "ignore", "set", "subset")
MEMBERS = ("compare", "tolerance", "time_tolerance", "text", "aliases", "default", "zone", "owner")
TEXT = {"case": ("exact", "ignore"), "space": ("exact", "trim", "collapse", "remove"), "unicode": ("exact", "nfc", "nfkc")}
UNITS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": NS, "m": 60 * NS, "h": 3600 * NS, "d": 86400 * NS}
WHITE = "".join(map(chr, [*range(9, 14), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000]))


def invalid(message):
    return Refused("invalid", message)


def one_of(what, value, allowed):
    if value not in allowed: raise unknown(what, str(value), allowed)
    return value


class Rule:
    """One field's rule; `t` is the type its literals are read by."""

    def __init__(self, doc, field, t):
        doc = {"compare": doc} if isinstance(doc, str) else doc
        for member in doc: one_of(f"member of the rule for `{field}`:", member, MEMBERS)
        self.field, self.t = field, t
        self.compare = one_of("rule", doc.get("compare", "exact"), WORDS)
        self.owner = one_of("owner", doc.get("owner", "expected"), ("expected", "actual", "none"))
        for member in doc.get("text", {}): one_of("text rule", member, TEXT)
        self.text = {m: one_of(f"{m} rule", doc.get("text", {}).get(m, "exact"), TEXT[m]) for m in TEXT}
        self.tolerance = self.ns = None
        if "tolerance" in doc: self.read_tolerance(doc["tolerance"])
        if "time_tolerance" in doc: self.read_time(doc["time_tolerance"])
        self.zone = self.read_zone(doc["zone"]) if "zone" in doc else None
        self.check_type()
        self.default = read(doc.get("default"), t, "invalid")
        self.aliases = self.read_aliases(doc.get("aliases", []))

    def claim(self, compare):
        if self.compare != "exact": raise invalid(f"the rule for `{self.field}` has both `{self.compare}` and `{compare}`; take one")
        self.compare = compare

    def read_tolerance(self, doc):
        self.claim("tolerance")
        for member in doc: one_of("tolerance", member, ("absolute", "relative"))
        if not doc: raise invalid(f"the tolerance for `{self.field}` is empty")
        self.tolerance = {}
        for member, given in doc.items():
            try: amount = Decimal(repr(given) if isinstance(given, float) else given)
            except (InvalidOperation, TypeError, ValueError): amount = Decimal("nan")
            if not amount.is_finite() or amount < 0: raise invalid(f"`{given}` is not a tolerance for `{self.field}`")
            self.tolerance[member] = amount

    def read_time(self, text):
        self.claim("time_tolerance")
        m = re.fullmatch(r"(\d+)(ns|us|ms|s|m|h|d)", str(text))
        if not m: raise invalid(f"`{text}` is not a time tolerance for `{self.field}`; write it like `90s`")
        self.ns = int(m[1]) * UNITS[m[2]]

    def read_zone(self, name):
        if name not in available_timezones(): raise unknown("zone", name, available_timezones())
        return ZoneInfo(name)

    def check_type(self):
        kind = class_of(self.t)
        element = class_of(self.t[1]) if kind == "list" else kind
        def fits(used, what, allowed, actual=kind):
            if used and actual not in (*allowed, "null"):
                raise invalid(f"{what} does not fit field `{self.field}` of type {type_text(self.t)}")
        fits(self.tolerance, "a tolerance", ["number"])
        fits(self.ns is not None, "a time tolerance", ["date", "datetime", "instant"])
        fits(self.zone, "a zone", ["datetime", "instant"])
        fits(self.compare in ("set", "subset"), f"`{self.compare}`", ["list"])
        fits(set(self.text.values()) != {"exact"}, "a text rule", ["text"], element)

    def read_aliases(self, doc):
        t = self.t[1] if self.t[0] == "list" else self.t
        table = {}
        for pair in doc.items() if isinstance(doc, dict) else doc:
            source, target = (self.fold(read(x, t, "invalid")) for x in pair)
            if not same(table.setdefault(c(source), target), target):
                raise invalid(f"alias `{pair[0]}` of `{self.field}` has two targets")
        return table

    def normal_form(self):
        form = {"aliases": [[k.hex(), c(v).hex()] for k, v in sorted(self.aliases.items())],
                "compare": self.compare, "owner": self.owner, "text": self.text}
        if self.default is not None: form["default"] = c(self.default).hex()
        if self.tolerance: form["tolerance"] = {m: number(x) for m, x in self.tolerance.items()}
        if self.ns is not None: form["time_tolerance"] = str(self.ns)
        if self.zone: form["zone"] = self.zone.key
        return form

    def digest(self):
        return rule_digest(self.normal_form())

    def fold(self, v):
        """The text rules: Unicode form, case, Unicode form again, white space."""
        if not isinstance(v, str): return v
        v, space = self.fold_prefix(v), self.text["space"]
        if space == "remove": return "".join(ch for ch in v if ch not in WHITE)
        if space == "exact": return v
        v = v.strip(WHITE)
        return re.sub(f"[{WHITE}]+", " ", v) if space == "collapse" else v

    def fold_prefix(self, v):
        form = self.text["unicode"].upper()
        compose = (lambda s: s) if form == "EXACT" else (lambda s: unicodedata.normalize(form, s))
        v = compose(v)
        return compose(v.casefold()) if self.text["case"] == "ignore" else v

    def element(self, v):
        v = self.fold(v)
        return self.aliases.get(c(v), v)

    def normalise(self, v):
        if v is None: v = self.default
        if self.zone and isinstance(v, Time) and v.tag == "l": v = local_to_instant(v.count, self.zone)
        if not isinstance(v, list): return self.element(v)
        v = [self.element(x) for x in v]
        if self.compare in ("set", "subset"): v = [x for _, x in sorted({c(x): x for x in v}.items())]
        return v

    def equal(self, expected, actual):
        """Whether two normalised values agree under the rule."""
        if same(expected, actual): return True
        if expected is None or actual is None: return False
        if self.compare == "subset": return set(map(c, expected)) <= set(map(c, actual))
        if self.ns is not None:
            unit = UNITS["d"] if expected.tag == "d" else 1
            return abs(expected.count - actual.count) * unit <= self.ns
        return self.tolerance is not None and self.near(expected, actual)

    def near(self, a, b):
        try: a, b = Fraction(a), Fraction(b)
        except (ValueError, OverflowError): return False  # NaN and infinities agree with themselves only
        room = Fraction(self.tolerance.get("absolute", 0)), Fraction(self.tolerance.get("relative", 0)) * max(abs(a), abs(b))
        return abs(a - b) <= max(room)
