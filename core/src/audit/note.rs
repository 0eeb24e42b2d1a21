//! Signed notes: C2SP signed-note, Ed25519 only.

use std::collections::BTreeSet;

use trueup_connector::{Error, Result};

use super::encoding::{base64, malformed, unbase64};
use super::key::{Signer, Verifier, check_name, sign_checked};

pub(super) const MOST_SIGNATURES: usize = 64;

/// A text and who is said to have signed it.
#[derive(Debug)]
pub(super) struct Note<'a> {
    pub(super) body: &'a str,
    signatures: Vec<NoteSignature<'a>>,
}

#[derive(Debug)]
struct NoteSignature<'a> {
    name: &'a str,
    key_id: [u8; 4],
    bytes: Vec<u8>,
}

/// The note with this body, which ends in a newline, signed by each.
pub(super) fn sign_note(body: &str, signers: &[&dyn Signer]) -> Result<String> {
    let mut note = format!("{body}\n");
    for signer in signers {
        let key = signer.verifier();
        let mut bytes = key.key_id().to_vec();
        bytes.extend(sign_checked(*signer, body.as_bytes())?);
        note.push_str(&format!("— {} {}\n", key.name(), base64(&bytes)));
    }
    Ok(note)
}

impl<'a> Note<'a> {
    pub(super) fn read(text: &'a str) -> Result<Self> {
        let stray = text.chars().find(|c| *c < ' ' && *c != '\n');
        let end = text.rfind("\n\n").filter(|_| stray.is_none() && text.ends_with('\n'));
        let parts = end.and_then(|end| Some((text.get(..=end)?, text.get(end + 2..)?)));
        let (body, lines) = parts.ok_or_else(|| malformed("this is not a signed note"))?;
        let signatures = lines.lines().map(NoteSignature::read).collect::<Result<Vec<_>>>()?;
        match (1..=MOST_SIGNATURES).contains(&signatures.len()) {
            true => Ok(Self { body, signatures }),
            false => Err(malformed(format!(
                "this note has {} signatures; 1 to {MOST_SIGNATURES} are allowed",
                signatures.len()
            ))),
        }
    }

    /// The names of those keys that have signed it; a wrong signature of one of them is an error,
    /// the signatures of other keys mean nothing.
    pub(super) fn signed_by<'k>(&self, keys: &'k [Verifier]) -> Result<BTreeSet<&'k str>> {
        let mut names = BTreeSet::new();
        for signature in &self.signatures {
            for key in keys.iter().filter(|key| signature.is_of(key)) {
                if !key.verify(self.body.as_bytes(), &signature.bytes) {
                    return Err(malformed(format!("the signature of `{}` is wrong", key.name())));
                }
                names.insert(key.name());
            }
        }
        Ok(names)
    }
}

impl<'a> NoteSignature<'a> {
    fn read(line: &'a str) -> Result<Self> {
        let wrong = || -> Error { malformed("this note has a line that is no signature") };
        let parts = line.strip_prefix("— ").and_then(|rest| rest.split_once(' '));
        let (name, data) = parts.ok_or_else(wrong)?;
        check_name(name).map_err(|_| wrong())?;
        let data = unbase64(data).ok_or_else(wrong)?;
        let (key_id, bytes) = data.split_first_chunk().ok_or_else(wrong)?;
        Ok(Self { name, key_id: *key_id, bytes: bytes.to_vec() })
    }

    fn is_of(&self, key: &Verifier) -> bool {
        self.name == key.name() && self.key_id == key.key_id()
    }
}
