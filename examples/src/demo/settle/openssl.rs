//! The signatures of an evidence pack before OpenSSL: a verifier that knows nothing of trueup.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use trueup::audit::{Signer, Verifier};

use super::approvals::People;
use crate::Result;

/// A DSSE envelope, as its specification has it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    payload: String,
    payload_type: String,
    signatures: Vec<Signature>,
}

#[derive(Deserialize)]
struct Signature {
    keyid: String,
    sig: String,
}

/// What the DER of an Ed25519 public key begins with (RFC 8410).
const DER: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// Has OpenSSL verify every signature of the pack's manifest; its version and how many there were.
/// `None` where the machine lacks it, or `unzip`.
pub(super) fn verify(pack: &Path, people: &People) -> Result<Option<String>> {
    let manifest = run(Command::new("unzip").arg("-p").arg(pack).arg("manifest.dsse.json"))?;
    let version = run(Command::new("openssl").arg("version"))?;
    let (Some(manifest), Some(version)) = (manifest, version) else { return Ok(None) };
    let envelope: Envelope = serde_json::from_slice(&manifest)?;
    let folder = tempfile::tempdir()?;
    let signed = folder.path().join("signed");
    fs::write(&signed, signed_bytes(&envelope)?)?;
    for signature in &envelope.signatures {
        one(folder.path(), &signed, signature, people)?;
    }
    let version = String::from_utf8_lossy(&version);
    let version: Vec<&str> = version.split_whitespace().take(2).collect();
    Ok(Some(format!("{}: {} signatures verified", version.join(" "), envelope.signatures.len())))
}

/// DSSE's pre-authentication encoding: what is signed.
fn signed_bytes(envelope: &Envelope) -> Result<Vec<u8>> {
    let payload = STANDARD.decode(&envelope.payload)?;
    let kind = &envelope.payload_type;
    let mut bytes = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len()).into_bytes();
    bytes.extend(payload);
    Ok(bytes)
}

fn one(folder: &Path, signed: &Path, signature: &Signature, people: &People) -> Result<()> {
    let known = people.verifiers().chain([people.log().verifier()]);
    let key = known.into_iter().find(|key| key.label() == signature.keyid);
    let key = key.ok_or_else(|| format!("`{}` is nobody's key", signature.keyid))?;
    let (public, sig) = (folder.join("key.pem"), folder.join("sig"));
    fs::write(&public, pem(key)?)?;
    fs::write(&sig, STANDARD.decode(&signature.sig)?)?;
    let mut openssl = Command::new("openssl");
    openssl.args(["pkeyutl", "-verify", "-pubin", "-rawin", "-inkey"]);
    openssl.arg(public).arg("-in").arg(signed).arg("-sigfile").arg(sig);
    run(&mut openssl)?.map(drop).ok_or_else(|| "OpenSSL is gone".into())
}

/// The key as OpenSSL takes it.
fn pem(key: &Verifier) -> Result<String> {
    let text = key.to_string();
    // Name, id and key; the base64 of a key may have a plus sign too.
    let typed = text.splitn(3, '+').nth(2).map(|key| STANDARD.decode(key)).transpose()?;
    let public = typed.as_deref().and_then(|typed| typed.get(1..)).ok_or("a key has no bytes")?;
    let der = STANDARD.encode([&DER[..], public].concat());
    Ok(format!("-----BEGIN PUBLIC KEY-----\n{der}\n-----END PUBLIC KEY-----\n"))
}

/// What a program writes; `None` where there is no such program.
fn run(command: &mut Command) -> Result<Option<Vec<u8>>> {
    match command.output() {
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(cause.into()),
        Ok(output) if output.status.success() => Ok(Some(output.stdout)),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            Err(format!("{command:?} says no: {said}").into())
        }
    }
}
