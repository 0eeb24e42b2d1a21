//! Assertions signed by a certificate's key (RFC 7523, RFC 7515; `x5t` and `x5t#S256` of RFC 7515 §4.1).

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use ring::digest;
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair};
use rustls::pki_types::PrivateKeyDer;
use serde_json::json;
use trueup_connector::{Error, Kind, Result};

use super::Algorithm;
use crate::secret::Secret;
use crate::tls::{certificates, private_key};

/// How long an assertion holds, in seconds.
const LIFE: u64 = 600;

/// An assertion that this client asks for a token here.
pub(super) fn sign(
    audience: &str,
    client: &str,
    certificate: &Secret,
    key: &Secret,
    algorithm: Algorithm,
) -> Result<Secret> {
    let pair = key_pair(key)?;
    let now = now()?;
    let claims = json!({
        "aud": audience, "iss": client, "sub": client, "jti": unique()?,
        "nbf": now, "iat": now, "exp": now + LIFE,
    });
    let header = header(certificate, algorithm)?;
    let text =
        format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(claims.to_string()));
    let encoding: &'static dyn RsaEncoding = match algorithm {
        Algorithm::Ps256 => &RSA_PSS_SHA256,
        Algorithm::Rs256 => &RSA_PKCS1_SHA256,
    };
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(encoding, &SystemRandom::new(), text.as_bytes(), &mut signature)
        .map_err(|_| Error::new(Kind::Internal, "the assertion cannot be signed"))?;
    Ok(Secret::new(format!("{text}.{}", BASE64.encode(signature))))
}

fn header(certificate: &Secret, algorithm: Algorithm) -> Result<serde_json::Value> {
    let chain = certificates(certificate)?;
    let der = chain.first().map(|der| der.as_ref()).unwrap_or_default();
    let print = |with| BASE64.encode(digest::digest(with, der));
    Ok(match algorithm {
        Algorithm::Ps256 => {
            json!({"alg": "PS256", "typ": "JWT", "x5t#S256": print(&digest::SHA256)})
        }
        Algorithm::Rs256 => {
            let sha1 = &digest::SHA1_FOR_LEGACY_USE_ONLY;
            json!({"alg": "RS256", "typ": "JWT", "x5t": print(sha1)})
        }
    })
}

fn key_pair(key: &Secret) -> Result<RsaKeyPair> {
    let pair = match private_key(key)? {
        PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
        PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
        _ => return Err(Error::new(Kind::Invalid, "the key that signs assertions is not RSA")),
    };
    pair.map_err(|cause| {
        let message =
            format!("the key that signs assertions is no RSA key of 2048 bits or more: {cause}");
        Error::new(Kind::Invalid, message)
    })
}

fn unique() -> Result<String> {
    let mut bytes = [0; 16];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| Error::new(Kind::Internal, "the machine has no random numbers"))?;
    Ok(BASE64.encode(bytes))
}

fn now() -> Result<u64> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since
        .map(|since| since.as_secs())
        .map_err(|_| Error::new(Kind::Invalid, "this machine's clock is before 1970; set it"))
}
