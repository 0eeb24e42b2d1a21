//! Assertions signed by a certificate's key (RFC 7523), held against the certificates registered.

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use ring::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaParameters, UnparsedPublicKey,
};
use serde_json::Value as Json;

use super::refused::text;

/// A certificate as the application's owner registered it.
#[derive(Clone, Debug)]
pub(super) struct Registered {
    sha1: Vec<u8>,
    sha256: Vec<u8>,
    /// The RSA public key (RFC 8017 §A.1.1, DER).
    key: Vec<u8>,
}

impl Registered {
    /// A certificate (X.509, PEM) with an RSA key; `None` where it is none.
    pub(super) fn read(pem: &str) -> Option<Self> {
        let lines = pem.lines().filter(|line| !line.starts_with("-----"));
        let der = BASE64_STANDARD.decode(lines.map(str::trim).collect::<String>()).ok()?;
        Self::of(&der)
    }

    fn of(der: &[u8]) -> Option<Self> {
        let print = |with| digest(with, der).as_ref().to_vec();
        let key = public_key(der)?.to_vec();
        Some(Self { sha1: print(&SHA1_FOR_LEGACY_USE_ONLY), sha256: print(&SHA256), key })
    }
}

/// What an assertion says, where one of the certificates signed it.
pub(super) fn claims(assertion: &str, known: &[Registered]) -> Option<Json> {
    let (signed, signature) = assertion.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let header: Json = serde_json::from_slice(&decoded(header)?).ok()?;
    let print = |name: &str| decoded(text(&header, name)).filter(|print| !print.is_empty());
    let by = known.iter().find(|certificate| {
        print("x5t#S256") == Some(certificate.sha256.clone())
            || print("x5t") == Some(certificate.sha1.clone())
    })?;
    let how: &'static RsaParameters = match text(&header, "alg") {
        "PS256" => &RSA_PSS_2048_8192_SHA256,
        "RS256" => &RSA_PKCS1_2048_8192_SHA256,
        _ => return None,
    };
    let key = UnparsedPublicKey::new(how, &by.key);
    key.verify(signed.as_bytes(), &decoded(signature)?).ok()?;
    serde_json::from_slice(&decoded(claims)?).ok()
}

/// The key in a certificate: the seventh part of what is signed (RFC 5280 §4.1), the bits in it.
fn public_key(der: &[u8]) -> Option<&[u8]> {
    let (_, certificate, _) = element(der)?;
    let (_, mut rest, _) = element(certificate)?;
    for place in 0..6 {
        let (tag, _, after) = element(rest)?;
        // A version stands in front, except in the oldest ones.
        if place == 0 && tag == 0xa0 {
            rest = element(after)?.2;
        } else {
            rest = after;
        }
        if place == 4 {
            break;
        }
    }
    let (_, info, _) = element(rest)?;
    let (_, _, bits) = element(info)?;
    let (tag, bits, _) = element(bits)?;
    (tag == 3).then(|| bits.get(1..))?
}

/// Tag, contents and what follows (X.690 §8.1).
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        _ => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let length = bytes.iter().try_fold(0_usize, |length, byte| {
                length.checked_mul(256)?.checked_add(usize::from(*byte))
            })?;
            (length, rest)
        }
    };
    let (contents, after) = rest.split_at_checked(length)?;
    Some((tag, contents, after))
}

/// Base64 for addresses, with or without padding (RFC 4648 §5).
fn decoded(text: &str) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_is_none() {
        for wrong in [&[][..], &[0x30], &[0x30, 0x82, 0xff, 0xff], &[0x30, 2, 1, 1]] {
            assert!(Registered::of(wrong).is_none());
        }
        assert!(Registered::read("no PEM").is_none());
    }
}
