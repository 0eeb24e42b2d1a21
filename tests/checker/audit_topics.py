"""The topics of docs/spec/vectors/audit.json and evidence.json: each judges one vector, or fills in its bytes."""
import json

import audit
import ed25519
import merkle
from digests import sha


def canonical(v, check):
    check.hex(v["about"], v, "text", audit.canonical(json.loads(v["json"])))


def refused_json(v, check):
    try: check.same(v["about"], "refused", audit.canonical(json.loads(v["json"])))
    except audit.Wrong: pass


def entry(v, check):
    audit.check_entry(v["entry"])
    check.hex(v["about"], v, "text", audit.canonical(v["entry"]))
    check.hex(v["about"], v, "commitment", audit.commitment(v["entry"]))
    check.hex(v["about"], v, "leaf_data", audit.leaf_data(v["entry"]))
    check.hex(v["about"], v, "leaf_hash", audit.leaf_hash(v["entry"]))


def refused_entry(v, check):
    try: check.same(v["about"], "refused", audit.check_entry(v["entry"]))
    except (audit.Wrong, KeyError, ValueError): pass


def log(v, check):
    """A log of `size` leaves whose data are 0, 1, 2… as one byte."""
    hashes = [sha(bytes([0, i])) for i in range(v["size"])]
    check.hex(v["about"], v, "root", merkle.root(hashes))
    check.hex(v["about"], v, "state", audit.state(hashes))
    check.hex(v["about"], v, "inclusion", [[h.hex() for h in merkle.proof(i, hashes)] for i in range(len(hashes))])
    paths = [audit.consistency(m, hashes) for m in range(len(hashes) + 1)]
    check.hex(v["about"], v, "consistency", [[h.hex() for h in path] for path in paths])
    for m, path in enumerate(paths):
        check.same(f"walking from {m}", True, audit.consistent(m, len(hashes), merkle.root(hashes[:m]), merkle.root(hashes), path))
        wrong = [sha(b"")] + path[1:]
        if path: check.same(f"walking a wrong path from {m}", False, audit.consistent(m, len(hashes), merkle.root(hashes[:m]), merkle.root(hashes), wrong))


def signature(v, check):
    """The numbers are those of RFC 8032, 7.1: nothing is filled in."""
    seed, message = bytes.fromhex(v["seed"]), bytes.fromhex(v["message"])
    check.same(v["about"], v["public"], ed25519.public(seed).hex())
    check.same(v["about"], v["signature"], ed25519.sign(seed, message).hex())
    check.same(v["about"], True, ed25519.verify(bytes.fromhex(v["public"]), message, bytes.fromhex(v["signature"])))
    check.same(v["about"], False, ed25519.verify(bytes.fromhex(v["public"]), message + b"x", bytes.fromhex(v["signature"])))


def note_key(v, check):
    text = audit.vkey(v["name"], ed25519.public(bytes.fromhex(v["seed"])))
    check.hex(v["about"], v, "vkey", text)
    check.same(v["about"], text, audit.vkey(*audit.read_vkey(text)))


def foreign_key(v, check):
    """A key that others made: nothing is filled in."""
    check.same(v["about"], v["name"], audit.read_vkey(v["vkey"])[0])


def foreign_note(v, check):
    """A note that others signed: nothing is filled in."""
    key = audit.read_vkey(v["vkey"])
    check.same(v["about"], (v["body"], [key[0]]), audit.read_note(v["note"], [key]))


def checkpoint(v, check):
    body = audit.checkpoint(v["origin"], v["size"], bytes.fromhex(v["root"]))
    signers = [(s["name"], bytes.fromhex(s["seed"])) for s in v["signers"]]
    check.hex(v["about"], v, "note", audit.note(body, signers))
    logs = [(name, ed25519.public(seed)) for name, seed in signers]
    check.same(v["about"], (v["origin"], v["size"], bytes.fromhex(v["root"])), audit.read_checkpoint(v["note"], logs))


def pack(v, check):
    payload, data = audit.build(v)
    check.hex(v["about"], v, "statement", payload.decode())
    check.hex(v["about"], v, "sha256", sha(data))
    check.hex(v["about"], v, "zip", audit.b64(data))
    keyed = lambda s: (s["name"], ed25519.public(bytes.fromhex(s["seed"])))
    logs = [keyed({"name": v["log"]["origin"], "seed": v["log"]["seed"]})] if "log" in v else []
    approvers = [keyed(s) for s in v["signers"]]
    check.hex(v["about"], v, "shows", audit.verify(data, logs, approvers))
    hashes = [audit.leaf_hash(e) for e in v["log"]["entries"]] if "log" in v else []
    for m in v["log"]["older"] if "log" in v else ():
        audit.verify(data, logs, approvers, (v["log"]["origin"], m, merkle.root(hashes[:m])))
    for at in range(0, len(data), 97):
        refused_pack(f"{v['about']}, byte {at} changed", data[:at] + bytes([data[at] ^ 1]) + data[at + 1:], logs + approvers, check)


def refused_pack(what, data, keys, check):
    try: check.same(what, "refused", audit.verify(data, keys, keys))
    except (audit.Wrong, ValueError, KeyError): pass


TOPICS = {f.__name__: f for f in (canonical, refused_json, entry, refused_entry, log, signature, note_key, foreign_key, foreign_note, checkpoint, pack)}
