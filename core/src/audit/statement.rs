//! The manifest of a pack: an in-toto Statement v1 in a DSSE envelope.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use trueup_connector::{Error, Hash, Result, hex};

use super::canonical::{canonical_json, read_canonical};
use super::encoding::{base64, malformed, unbase64, unhex};
use super::key::{Signer, Verifier, sign_checked};
use super::note::MOST_SIGNATURES;

const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
const STATEMENT: &str = "https://in-toto.io/Statement/v1";
const PREDICATE: &str = "https://trueup.dev/evidence/v1";

/// One file as the manifest has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Subject {
    pub(super) media_type: String,
    pub(super) sha256: Hash,
}

/// What the manifest says: what the pack is about, and its files by name.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Statement {
    pub(super) about: Json,
    pub(super) subjects: BTreeMap<String, Subject>,
}

/// A signed payload (DSSE v1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Envelope {
    pub(super) payload: Vec<u8>,
    /// By label of the key.
    pub(super) signatures: BTreeMap<String, Vec<u8>>,
}

impl Statement {
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>> {
        let subjects = self.subjects.iter().map(|(name, subject)| {
            let digest = json!({"sha256": hex(&subject.sha256)});
            json!({"name": name, "mediaType": subject.media_type, "digest": digest})
        });
        let statement = json!({
            "_type": STATEMENT,
            "predicateType": PREDICATE,
            "predicate": {"about": self.about},
            "subject": subjects.collect::<Vec<_>>(),
        });
        Ok(canonical_json(&statement)?.into_bytes())
    }

    /// Reads what `to_bytes` writes, and nothing else.
    pub(super) fn read(payload: &[u8]) -> Result<Self> {
        let json = read_canonical(payload)?;
        let about = json.pointer("/predicate/about").filter(|about| about.is_object());
        let about = about.ok_or_else(|| malformed("the manifest does not say what it is about"))?;
        let listed =
            json.get("subject").and_then(Json::as_array).filter(|listed| !listed.is_empty());
        let listed = listed.ok_or_else(|| malformed("the manifest lists no files"))?;
        let subjects = listed.iter().map(Subject::read).collect::<Result<_>>()?;
        let statement = Self { about: about.clone(), subjects };
        match statement.to_bytes()? == payload {
            true => Ok(statement),
            false => {
                Err(malformed("the manifest is not a statement of the form and version known here"))
            }
        }
    }
}

impl Subject {
    fn read(json: &Json) -> Result<(String, Self)> {
        let text = |path| json.pointer(path).and_then(Json::as_str);
        let media_type = text("/mediaType").filter(|media_type| is_media_type(media_type));
        let parts = text("/name").zip(media_type).zip(text("/digest/sha256"));
        let read = parts.and_then(|((name, media_type), sha256)| {
            let subject = Self { media_type: media_type.to_owned(), sha256: unhex(sha256)? };
            Some((name.to_owned(), subject))
        });
        read.ok_or_else(|| malformed("the manifest has a file without name, media type or digest"))
    }
}

impl Envelope {
    pub(super) fn new(payload: Vec<u8>) -> Self {
        Self { payload, signatures: BTreeMap::new() }
    }

    pub(super) fn sign(&mut self, signer: &dyn Signer) -> Result<()> {
        let signature = sign_checked(signer, &self.encoded())?;
        self.signatures.insert(signer.verifier().label(), signature);
        Ok(())
    }

    /// The key's signature: right, wrong, or not there.
    pub(super) fn check(&self, key: &Verifier) -> Option<bool> {
        let signature = self.signatures.get(&key.label())?;
        Some(key.verify(&self.encoded(), signature))
    }

    pub(super) fn to_bytes(&self) -> Result<Vec<u8>> {
        let signatures = self.signatures.iter();
        let signatures = signatures.map(|(keyid, sig)| json!({"keyid": keyid, "sig": base64(sig)}));
        let envelope = json!({
            "payload": base64(&self.payload),
            "payloadType": PAYLOAD_TYPE,
            "signatures": signatures.collect::<Vec<_>>(),
        });
        Ok(canonical_json(&envelope)?.into_bytes())
    }

    /// Reads what `to_bytes` writes, and nothing else.
    pub(super) fn read(bytes: &[u8]) -> Result<Self> {
        let json = read_canonical(bytes)?;
        let payload = json.get("payload").and_then(Json::as_str).and_then(unbase64);
        let listed = json.get("signatures").and_then(Json::as_array);
        let (payload, listed) = payload.zip(listed).ok_or_else(not_an_envelope)?;
        if listed.len() > MOST_SIGNATURES {
            return Err(malformed(format!(
                "the manifest has more than {MOST_SIGNATURES} signatures"
            )));
        }
        let signatures = listed.iter().map(read_signature).collect::<Option<_>>();
        let envelope = Self { payload, signatures: signatures.ok_or_else(not_an_envelope)? };
        match envelope.to_bytes()? == bytes {
            true => Ok(envelope),
            false => Err(not_an_envelope()),
        }
    }

    /// What is signed: the pre-authentication encoding of DSSE v1.
    fn encoded(&self) -> Vec<u8> {
        let (kind, length) = (PAYLOAD_TYPE, self.payload.len());
        let mut bytes = format!("DSSEv1 {} {kind} {length} ", kind.len()).into_bytes();
        bytes.extend(&self.payload);
        bytes
    }
}

fn read_signature(json: &Json) -> Option<(String, Vec<u8>)> {
    let text = |name| json.get(name).and_then(Json::as_str);
    Some((text("keyid")?.to_owned(), unbase64(text("sig")?)?))
}

/// Whether it can stand as a media type: short and printable; nobody asks a registry.
pub(super) fn is_media_type(text: &str) -> bool {
    (1..=100).contains(&text.len()) && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

fn not_an_envelope() -> Error {
    malformed("this is not the envelope of a manifest of the form known here")
}
