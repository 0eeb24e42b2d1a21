"""Judges an evidence pack with tools that are not ours: judge.py PACK KEY…, keys in C2SP's text form."""
import base64
import hashlib
import json
import sys
import zipfile

from google.protobuf import json_format
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

MANIFEST = "manifest.dsse.json"


def key(text):
    name, key_id, data = text.split("+", 2)
    public = base64.b64decode(data)[1:]
    return SSlibKey(f"{name}+{key_id}", "ed25519", "ed25519", {"public": public.hex()})


def main(path, *keys):
    with zipfile.ZipFile(path) as pack:
        damaged = pack.testzip()
        assert damaged is None, f"zipfile: {damaged} is damaged"
        files = {name: pack.read(name) for name in pack.namelist()}
    envelope = Envelope.from_dict(json.loads(files.pop(MANIFEST)))
    signed = envelope.verify([key(text) for text in keys], threshold=len(keys))
    assert len(signed) == len(keys), signed
    statement = json_format.Parse(envelope.payload, statement_pb2.Statement())
    Statement.copy_from_pb(statement).validate()
    subjects = {subject.name: dict(subject.digest) for subject in statement.subject}
    assert subjects == {n: {"sha256": hashlib.sha256(b).hexdigest()} for n, b in files.items()}, "subjects"
    assert envelope.payload_type == "application/vnd.in-toto+json", envelope.payload_type


main(*sys.argv[1:])
