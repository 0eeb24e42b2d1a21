"""The audit log and the evidence pack: an independent reading of docs/spec/audit.md and docs/spec/evidence.md."""
import base64
import json
import re
import zlib
from datetime import datetime

import ed25519
import merkle
from digests import H, sha

LARGEST = 2**53 - 1
PAYLOAD_TYPE = "application/vnd.in-toto+json"
MEDIA = {"log/checkpoint": "text/plain", "log/consistency.json": "application/json", "log/entries.jsonl": "application/jsonl"}


class Wrong(Exception):
    pass


def require(condition, what):
    if not condition: raise Wrong(what)


# --- canonical JSON: RFC 8785 ---------------------------------------------------------------------------------------

def number(x):
    """ECMAScript's Number::toString, from the shortest digits that read back."""
    require(abs(x) <= LARGEST or x != int(x), f"{x!r} is an integer beyond 2^53: write it as text")
    if isinstance(x, int) or x == int(x): return str(int(x))
    mantissa, _, exponent = repr(abs(x)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    n = len(digits) - len(fraction) + int(exponent or 0)  # the point stands before digit n
    digits = digits.rstrip("0")
    sign, k = "-" * (x < 0), len(digits)
    if 0 < n <= 21: return sign + (digits.ljust(n, "0") if k <= n else digits[:n] + "." + digits[n:])
    if -6 < n <= 0: return sign + "0." + "0" * -n + digits
    point = digits[0] + ("." + digits[1:] if k > 1 else "")
    return f"{sign}{point}e{n - 1:+d}"


def canonical(x, depth=0):
    require(depth < 100 or not isinstance(x, (list, tuple, dict)), "nested too deep")
    if isinstance(x, (list, tuple)): return "[" + ",".join(canonical(y, depth + 1) for y in x) + "]"
    if isinstance(x, dict):
        names = sorted(x, key=lambda k: k.encode("utf-16-be"))
        return "{" + ",".join(f"{canonical(k)}:{canonical(x[k], depth + 1)}" for k in names) + "}"
    if isinstance(x, (int, float)) and not isinstance(x, bool): return number(x)
    return json.dumps(x, ensure_ascii=False)


def parse(data, what):
    """The JSON in canonical text; anything else is wrong."""
    try: x = json.loads(data.decode())
    except ValueError as error: raise Wrong(f"{what}: {error}") from None
    require(canonical(x).encode() == data, f"{what}: not canonical")
    return x


# --- entries and proofs ---------------------------------------------------------------------------------------------

def commitment(entry):
    if "commitment" in entry: return bytes.fromhex(entry["commitment"])
    return H("trueup/payload/1", bytes.fromhex(entry["salt"]), canonical(entry["payload"]))


def check_entry(entry):
    require(set(entry) in ({"at", "kind", "payload", "salt"}, {"at", "kind", "commitment"}), "an entry of other members")
    require(re.fullmatch(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*", entry["kind"]) and len(entry["kind"]) <= 100, "kind")
    require(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z", entry["at"]), "at")
    datetime.fromisoformat(entry["at"][:19])
    require(re.fullmatch(r"[0-9a-f]{64}", entry.get("salt", entry.get("commitment"))), "salt or commitment")


def leaf_data(entry):
    return H("trueup/entry/1", entry["kind"], entry["at"], commitment(entry))


def leaf_hash(entry):
    return sha(b"\0" + leaf_data(entry))


def state(hashes):
    """The size and the roots of the perfect subtrees that its binary digits name, largest first."""
    size, at, peaks = len(hashes), 0, b""
    for bit in reversed(range(size.bit_length())):
        if size >> bit & 1: peaks, at = peaks + merkle.root(hashes[at:at + (1 << bit)]), at + (1 << bit)
    return size.to_bytes(8, "big") + peaks


def consistency(old, hashes, whole=True):
    """RFC 6962, 2.1.2: SUBPROOF(m, D[n], b)."""
    if old == 0: return []
    if old == len(hashes): return [] if whole else [merkle.root(hashes)]
    k = merkle.split(len(hashes))
    if old <= k: return consistency(old, hashes[:k], whole) + [merkle.root(hashes[k:])]
    return consistency(old - k, hashes[k:], False) + [merkle.root(hashes[:k])]


def consistent(old, new, old_root, new_root, path):
    """RFC 9162, 2.1.4.2."""
    if old == 0: return not path and old_root == sha(b"")
    if old == new: return not path and old_root == new_root
    if old > new or not path: return False
    path = [old_root] * (old & old - 1 == 0) + path
    f, s = old - 1, new - 1
    while f & 1: f, s = f >> 1, s >> 1
    a = b = path[0]
    for node in path[1:]:
        if s == 0: return False
        if f & 1 or f == s:
            a, b = sha(b"\1" + node + a), sha(b"\1" + node + b)
            while not f & 1 and f: f, s = f >> 1, s >> 1
        else:
            b = sha(b"\1" + b + node)
        f, s = f >> 1, s >> 1
    return s == 0 and (a, b) == (old_root, new_root)


# --- keys, notes, checkpoints ---------------------------------------------------------------------------------------

def b64(data):
    return base64.b64encode(data).decode()


def unb64(text):
    data = base64.b64decode(text, validate=True)
    require(b64(data) == text, "base64 with stray bits")
    return data


def key_id(name, public):
    return sha(name.encode() + b"\n\1" + public)[:4]


def keyid(key):
    name, public = key
    return f"{name}+{key_id(name, public).hex()}"


def vkey(name, public):
    return f"{name}+{key_id(name, public).hex()}+{b64(bytes([1]) + public)}"


def read_vkey(text):
    name, hexed, data = text.split("+", 2)
    data = unb64(data)
    require(len(data) == 33 and data[0] == 1 and key_id(name, data[1:]).hex() == hexed, f"not a key: {text}")
    return name, data[1:]


def note(body, signers):
    """signers: (name, seed) pairs."""
    lines = [f"— {n} {b64(key_id(n, ed25519.public(s)) + ed25519.sign(s, body.encode()))}\n" for n, s in signers]
    return body + "\n" + "".join(lines)


def checkpoint(origin, size, root):
    return f"{origin}\n{size}\n{b64(root)}\n"


def read_note(text, keys):
    """The body of a signed note and the names of the keys, of these (name, public) pairs, that have signed it."""
    body, empty, signatures = text.rpartition("\n\n")
    body += "\n"
    require(empty and signatures.endswith("\n"), "a note without signatures")
    names = []
    for line in signatures[:-1].split("\n"):
        m = re.fullmatch(r"— ([^\s+]+) (\S+)", line)
        require(m, "not a signature line")
        data = unb64(m[2])
        for name, public in keys:
            if (name, key_id(name, public)) != (m[1], data[:4]): continue
            require(ed25519.verify(public, body.encode(), data[4:]), f"the signature of {name} is wrong")
            names.append(name)
    return body, names


def read_checkpoint(text, logs):
    """(origin, size, root) of a checkpoint that a trusted log's key has signed."""
    body, names = read_note(text, logs)
    origin, size, root = body.split("\n")[:3]
    require(re.fullmatch(r"0|[1-9]\d*", size) and len(unb64(root)) == 32, "not a checkpoint")
    require(origin in names, "the checkpoint is signed by no trusted key")
    return origin, int(size), unb64(root)


# --- evidence packs -------------------------------------------------------------------------------------------------

def little(*pairs):
    return b"".join(value.to_bytes(size, "little") for value, size in pairs)


def write_zip(files):
    out, directory = b"", b""
    for name, data in sorted(files.items()):
        common = little((20, 2), (0, 4), (0, 2), (33, 2), (zlib.crc32(data), 4), (len(data), 4), (len(data), 4), (len(name), 2), (0, 2))
        directory += b"PK\1\2" + little((20, 2)) + common + little((0, 6), (0, 4), (len(out), 4)) + name.encode()
        out += b"PK\3\4" + common + name.encode() + data
    return out + directory + b"PK\5\6" + little((0, 4), (len(files), 2), (len(files), 2), (len(directory), 4), (len(out), 4), (0, 2))


def read_zip(data):
    """The files, walked by their local headers; the bytes must be the ones that write_zip gives."""
    files, at = {}, 0
    while data[at:at + 4] == b"PK\3\4":
        size, length = (int.from_bytes(data[at + a:at + b], "little") for a, b in ((22, 26), (26, 28)))
        begin = at + 30 + length
        name = data[at + 30:begin].decode("ascii")
        files[name] = data[begin:begin + size]
        at = begin + size
    require(write_zip(files) == data, "not the bytes that the format fixes")
    return files


def pae(payload):
    return f"DSSEv1 {len(PAYLOAD_TYPE)} {PAYLOAD_TYPE} {len(payload)} ".encode() + payload


def statement(about, files, media):
    subject = [{"name": n, "mediaType": media[n], "digest": {"sha256": sha(files[n]).hex()}} for n in sorted(files)]
    return canonical({"_type": "https://in-toto.io/Statement/v1", "subject": subject,
                      "predicateType": "https://trueup.dev/evidence/v1", "predicate": {"about": about}}).encode()


def build(v):
    """A pack from a vector: files, the log's entries (`packed` of them), sizes of checkpoint and older ones, signers."""
    files = {"files/" + f["name"]: f["text"].encode() for f in v["files"]}
    media = {"files/" + f["name"]: f["media_type"] for f in v["files"]} | MEDIA
    if "log" in v:
        log, size = v["log"], v["log"]["size"]
        hashes = [leaf_hash(e) for e in log["entries"]]
        prove = lambda i: {"proof": [h.hex() for h in merkle.proof(i, hashes[:size])]} if i < size else {}
        lines = [canonical({"index": i, "entry": log["entries"][i]} | prove(i)) + "\n" for i in log["packed"]]
        files["log/checkpoint"] = note(checkpoint(log["origin"], size, merkle.root(hashes[:size])), [(log["origin"], bytes.fromhex(log["seed"]))]).encode()
        files["log/entries.jsonl"] = "".join(lines).encode()
        old = [{"size": m, "path": [h.hex() for h in consistency(m, hashes[:size])]} for m in log["older"]]
        if old: files["log/consistency.json"] = canonical(old).encode()
    payload = statement(v["about_pack"], files, media)
    signed = [(keyid((s["name"], ed25519.public(bytes.fromhex(s["seed"])))), ed25519.sign(bytes.fromhex(s["seed"]), pae(payload))) for s in v["signers"]]
    envelope = {"payload": b64(payload), "payloadType": PAYLOAD_TYPE, "signatures": [{"keyid": k, "sig": b64(s)} for k, s in sorted(signed)]}
    files["manifest.dsse.json"] = canonical(envelope).encode()
    return payload, write_zip(files)


def texts(x):
    if isinstance(x, str): yield x
    for y in x if isinstance(x, list) else x.values() if isinstance(x, dict) else (): yield from texts(y)


def verify(data, logs, approvers, saved=None):
    """What a pack shows: signers, anchored entries and files, erased entries with the entry that says so."""
    files = read_zip(data)
    envelope = parse(files.pop("manifest.dsse.json"), "manifest.dsse.json")
    payload = unb64(envelope["payload"])
    said, signers = parse(payload, "statement"), []
    for s in envelope["signatures"]:
        for key in dict.fromkeys(logs + approvers):
            if keyid(key) != s["keyid"]: continue
            require(ed25519.verify(key[1], pae(payload), unb64(s["sig"])), f"the signature of {key[0]} is wrong")
            signers.append(key[0])
    require(signers, "signed by no trusted key")
    require(said["subject"], "a statement about nothing")
    media = {s["name"]: s["mediaType"] for s in said["subject"]}
    require(statement(said["predicate"]["about"], files, media) == payload, "files and statement differ")
    head = read_checkpoint(files["log/checkpoint"].decode(), logs) if "log/checkpoint" in files else None
    lines = files.get("log/entries.jsonl", b"").split(b"\n")[:-1]
    entries = {}
    anchored = []
    for line in (parse(x, "log/entries.jsonl") for x in lines):
        i, entry = line["index"], line["entry"]
        check_entry(entry)
        require(not entries or i > max(entries), "indexes do not ascend")
        entries[i] = entry
        if "proof" not in line: continue
        path = [bytes.fromhex(h) for h in line["proof"]]
        require(head and i < head[1] and merkle.root_from(leaf_hash(entry), i, head[1], path) == head[2], f"the proof of entry {i} is wrong")
        anchored.append(i)
    says = {j: i for i in anchored if entries[i]["kind"] == "audit.erased" for j in entries[i]["payload"]["entries"] if j < i}
    erased = {i: says.get(i) for i, e in entries.items() if "commitment" in e}
    require(None not in erased.values(), f"erased without a record: {erased}")
    known = {t: i for i in reversed(anchored) if i not in erased for t in texts(entries[i]["payload"])}
    covered = {n: known.get("sha256:" + sha(files[n]).hex()) for n in files if n.startswith("files/")}
    if saved: check_saved(saved, head, files)
    return {"signers": signers, "anchored": anchored, "not_anchored": [i for i in entries if i not in anchored],
            "erased": [[i, by] for i, by in erased.items()], "files": [[n, by] for n, by in sorted(covered.items())]}


def check_saved(saved, head, files):
    origin, size, root = saved
    require(head and head[0] == origin, "another log")
    require(size <= head[1], "the tail was cut")
    older = parse(files.get("log/consistency.json", b"[]"), "log/consistency.json")
    paths = {o["size"]: [bytes.fromhex(h) for h in o["path"]] for o in older} | {head[1]: []}
    require(size in paths and consistent(size, head[1], root, head[2], paths[size]), "the log was rewritten, or nothing shows that it was not")
