"""Types and cells of the scenario files: JSON in, plain Python values (see digests.py) and finding text out."""
import difflib
import json
import math
import re
from datetime import date, datetime, timedelta, timezone
from decimal import Context, Decimal, InvalidOperation

from digests import SECRET, Time, c

NS = 10**9
EXACT = Context(prec=400, Emax=10**6, Emin=-10**6)
CLASSES = ["bool", "number", "text", "bytes", "date", "datetime", "instant", "list", "struct"]


class Refused(Exception):
    def __init__(self, kind, message):
        super().__init__(f"{kind}: {message}")
        self.kind, self.message = kind, message


def unknown(what, name, names):
    near = difflib.get_close_matches(name, list(names), 1)
    hint = f"; did you mean `{near[0]}`?" if near else ""
    return Refused("invalid", f"unknown {what} `{name}`{hint}")


def parse_type(text):
    """int → ("int",); decimal(10,2) → ("decimal", 10, 2); list<T>; struct<a:T,b:T> → ("struct", {…})."""
    if m := re.fullmatch(r"decimal\((\d+),(-?\d+)\)", text): return ("decimal", int(m[1]), int(m[2]))
    if m := re.fullmatch(r"list<(.*)>", text): return ("list", parse_type(m[1]))
    if m := re.fullmatch(r"struct<(.*)>", text):
        parts, depth = [""], 0
        for ch in m[1]:
            depth += (ch in "<(") - (ch in ">)")
            if ch == "," and depth == 0: parts.append("")
            else: parts[-1] += ch
        return ("struct", {p.split(":", 1)[0].strip(): parse_type(p.split(":", 1)[1].strip()) for p in parts})
    if text not in ("bool", "int", "float", "text", "bytes", "date", "datetime", "instant", "null"):
        raise Refused("invalid", f"unknown type `{text}`")
    return (text,)


def type_text(t):
    if t[0] == "decimal": return f"decimal({t[1]},{t[2]})"
    if t[0] == "list": return f"list<{type_text(t[1])}>"
    if t[0] == "struct": return "struct<" + ",".join(f"{n}:{type_text(m)}" for n, m in t[1].items()) + ">"
    return t[0]


def class_of(t):
    return "number" if t[0] in ("int", "float", "decimal") else t[0]


def comparable(a, b):
    if "null" in (a[0], b[0]): return True
    if class_of(a) != class_of(b): return False
    if a[0] == "list": return comparable(a[1], b[1])
    if a[0] == "struct": return all(comparable(a[1][n], b[1][n]) for n in a[1].keys() & b[1].keys())
    return True


def bad(cell, t, kind="data"):
    return Refused(kind, f"`{json.dumps(cell, ensure_ascii=False)}` is not a value of type {type_text(t)}")


def read(cell, t, kind="data"):
    """The exact value of a JSON cell, read by its field's type; anything that does not fit is an error."""
    if cell is None: return None
    name = t[0]
    if isinstance(cell, dict) and len(cell) == 1 and name != "null":
        (tag, inner), = cell.items()
        if tag == name and tag in ("decimal", "bytes", "date", "datetime", "instant", "list", "struct"): cell = inner
        elif tag == "float" and name == "float" and inner in ("nan", "inf", "-inf"): return float(inner)
    try:
        value = READERS[name](cell, t)
    except (ValueError, KeyError, InvalidOperation, TypeError, OverflowError):
        raise bad(cell, t, kind) from None
    except Refused as inner:  # of an element, which was read as data
        raise Refused(kind, inner.message) from None
    return value


def need(condition):
    if not condition: raise ValueError


def read_int(cell, t):
    need(type(cell) is int and -(2**63) <= cell < 2**64)
    return cell


def read_float(cell, t):
    need(type(cell) in (int, float) and float(cell) == cell)
    return float(cell)


def read_decimal(cell, t):
    need(type(cell) in (int, float, str))
    value = Decimal(repr(cell) if type(cell) is float else cell)
    need(value.is_finite())
    fitted = value.quantize(Decimal(1).scaleb(-t[2], EXACT), context=EXACT)
    need(fitted == value and len(str(abs(int(fitted.scaleb(t[2], EXACT))))) <= t[1])
    return fitted


def read_text(cell, t):
    need(type(cell) is str)
    return cell


def days(text):
    need(re.fullmatch(r"\d{4}-\d\d-\d\d", text))
    return date.fromisoformat(text).toordinal() - date(1970, 1, 1).toordinal()


def nanoseconds(text):
    m = re.fullmatch(r"(\d{4}-\d\d-\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?", text)
    need(m and int(m[2]) < 24 and int(m[3]) < 60 and int(m[4]) < 60)
    seconds = days(m[1]) * 86400 + int(m[2]) * 3600 + int(m[3]) * 60 + int(m[4])
    return seconds * NS + int((m[5] or "").ljust(9, "0"))


def read_instant(cell, t):
    m = re.fullmatch(r"(.*?)(?:Z|([+-])(\d\d):(\d\d))", cell)
    offset = 0 if m[2] is None else int(m[2] + "1") * (int(m[3]) * 3600 + int(m[4]) * 60)
    return Time("i", nanoseconds(m[1]) - offset * NS)


def refuse(cell, t):
    raise ValueError


READERS = {
    "null": refuse, "int": read_int, "float": read_float, "decimal": read_decimal, "text": read_text,
    "bool": lambda cell, t: cell if type(cell) is bool else refuse(cell, t),
    "bytes": lambda cell, t: bytes.fromhex(cell),
    "date": lambda cell, t: Time("d", days(cell)),
    "datetime": lambda cell, t: Time("l", nanoseconds(cell)),
    "instant": read_instant,
    "list": lambda cell, t: [read(x, t[1]) for x in cell] if type(cell) is list else refuse(cell, t),
    "struct": lambda cell, t: {n: read(cell.get(n), m) for n, m in t[1].items()} if not cell.keys() - t[1].keys() else refuse(cell, t),
}


def show(value, t):
    """The text of a value in findings and messages; None stays a null cell."""
    if value is SECRET: return "‹secret›"
    if value is None or isinstance(value, str): return value
    if isinstance(value, (list, dict)): return json_text(value, t)
    if isinstance(value, bool): return "true" if value else "false"
    if isinstance(value, float): return re.sub(r"e\+?(-?)0*", r"e\1", repr(value)).replace("nan", "NaN")
    if isinstance(value, Decimal): return f"{value:f}"
    if isinstance(value, bytes): return value.hex()
    return show_time(value) if isinstance(value, Time) else str(value)


def show_time(value):
    if value.tag == "d": return date.fromordinal(value.count + date(1970, 1, 1).toordinal()).isoformat()
    seconds, fraction = divmod(value.count, NS)
    text = (datetime(1970, 1, 1) + timedelta(seconds=seconds)).isoformat()
    return text + (f".{fraction:09}".rstrip("0") if fraction else "") + ("Z" if value.tag == "i" else "")


def json_text(value, t):
    """Inside lists and structs: plain JSON where JSON has the type, its text as a JSON string otherwise."""
    if value is None: return "null"
    if isinstance(value, list): return "[" + ",".join(json_text(x, t[1]) for x in value) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{json_text(n, None)}:{json_text(value[n], m)}" for n, m in t[1].items()) + "}"
    bare = isinstance(value, (bool, int)) or (isinstance(value, float) and math.isfinite(value))
    return show(value, t) if bare else json.dumps(show(value, t), ensure_ascii=False)


def order(value):
    """Canonical order: by class, then by value; null last."""
    if value is None: return (len(CLASSES),)
    if isinstance(value, bool): return (0, value)
    if isinstance(value, (int, float, Decimal)): return (1, value != value, 0 if value != value else value)
    if isinstance(value, str): return (2, value)
    if isinstance(value, bytes): return (3, value)
    if isinstance(value, Time): return ({"d": 4, "l": 5, "i": 6}[value.tag], value.count)
    if isinstance(value, list): return (7, [order(x) for x in value])
    return (8, [(n, order(value[n])) for n in sorted(value)])


def local_to_instant(ns, zone):
    """A local time in a zone: the earlier instant in an overlap, moved forward by the gap's length in a gap."""
    seconds, fraction = divmod(ns, NS)
    local = (datetime(1970, 1, 1) + timedelta(seconds=seconds)).replace(tzinfo=zone, fold=0)
    return Time("i", round((local.astimezone(timezone.utc) - datetime(1970, 1, 1, tzinfo=timezone.utc)).total_seconds()) * NS + fraction)


def same(a, b):
    return c(a) == c(b)
