//! Bytes as text, and framed hashes (`docs/spec/README.md`).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use trueup_connector::{Error, Hash, Kind, Result};

/// The bytes of lower-case hex; `None` for anything else.
pub(super) fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = nibble(*high)? << 4 | nibble(*low)?;
    }
    Some(bytes)
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

pub(super) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The bytes of padded base64 (RFC 4648, section 4) without stray bits; `None` for anything else.
pub(super) fn unbase64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

pub(super) fn sha256(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

/// `H(p1, p2, …)` of the specification: the hash of the framed parts.
pub(super) fn framed(parts: &[&[u8]]) -> Hash {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// What was read is not what the format says.
pub(super) fn malformed(what: impl Into<String>) -> Error {
    Error::new(Kind::Data, what)
}

/// The caller gave something that cannot be.
pub(super) fn invalid<T>(what: impl Into<String>) -> Result<T> {
    Err(Error::new(Kind::Invalid, what))
}
