//! Keys as hosts have them: in memory, or with a host that signs; and whose keys are trusted.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value as Json;
use trueup::audit::{Ed25519Signer, Signer, Trust, Verifier};
use trueup::guard::Approver;
use trueup::runtime::{Entropy, SystemEntropy};
use trueup::{Error, Kind, Result};

/// Signs bytes for a host: with a token, a vault, whatever holds the key.
pub type Sign = dyn Fn(&[u8]) -> Result<Vec<u8>> + Send + Sync;

/// A key that signs. Clones share it; `Debug` shows its public half only.
#[derive(Clone)]
pub struct Key(Arc<Held>);

enum Held {
    Memory(Box<Ed25519Signer>),
    Host(Box<Verifier>, Box<Sign>),
}

impl Key {
    /// A new key of this name, which lasts as long as somebody holds it.
    ///
    /// # Errors
    /// `invalid` for a name that is none; `unavailable` where there is no randomness.
    pub fn generate(name: &str) -> Result<Self> {
        let mut seed = [0; 32];
        SystemEntropy.fill(&mut seed)?;
        Self::from_seed(name, &seed)
    }

    /// The key of this name that comes from these 32 secret bytes.
    ///
    /// # Errors
    /// `invalid` for a name that is none, and for any other number of bytes.
    pub fn from_seed(name: &str, seed: &[u8]) -> Result<Self> {
        let seed = <[u8; 32]>::try_from(seed).map_err(|_| {
            let message = format!("a key comes from 32 secret bytes, not {}", seed.len());
            Error::new(Kind::Invalid, message)
        })?;
        Ok(Self(Arc::new(Held::Memory(Box::new(Ed25519Signer::new(name, seed)?)))))
    }

    /// A key that the host holds: its public half as text, and who signs.
    ///
    /// # Errors
    /// `invalid` for text that is no key.
    pub fn of_host(
        verifier: &str,
        sign: impl Fn(&[u8]) -> Result<Vec<u8>> + Send + Sync + 'static,
    ) -> Result<Self> {
        Ok(Self(Arc::new(Held::Host(Box::new(verifier.parse()?), Box::new(sign)))))
    }
}

impl Signer for Key {
    fn verifier(&self) -> &Verifier {
        match self.0.as_ref() {
            Held::Memory(signer) => signer.verifier(),
            Held::Host(verifier, _) => verifier,
        }
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        match self.0.as_ref() {
            Held::Memory(signer) => signer.sign(message),
            Held::Host(_, sign) => sign(message),
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.verifier())
    }
}

/// Which public keys are whose: an answer that somebody signed counts under one of their own.
///
/// As data: `{"person:bo": ["bo.example+…+…"]}`, or one key as text.
#[derive(Clone, Debug, Default)]
pub struct People(BTreeMap<String, Vec<String>>);

impl People {
    /// Reads the data; every key in it must be one.
    ///
    /// # Errors
    /// `invalid`, naming what is wrong.
    pub fn from_json(json: Json) -> Result<Self> {
        let wrong = |cause: serde_json::Error| {
            Error::new(Kind::Invalid, format!("the keys of people are wrong: {cause}"))
        };
        let said: BTreeMap<String, Json> = serde_json::from_value(json).map_err(wrong)?;
        let mut people = BTreeMap::new();
        for (person, keys) in said {
            let keys = if keys.is_string() { Json::Array(vec![keys]) } else { keys };
            let keys: Vec<String> = serde_json::from_value(keys).map_err(wrong)?;
            keys.iter().try_for_each(|key| key.parse::<Verifier>().map(drop))?;
            people.insert(person, keys);
        }
        Ok(Self(people))
    }

    /// Whether a signature is the person's.
    pub fn verify(&self, approver: &Approver, key: &str, bytes: &[u8], signature: &[u8]) -> bool {
        let mut known = self.0.get(approver.person()).into_iter().flatten();
        let key = known.any(|known| known == key).then(|| key.parse::<Verifier>());
        key.is_some_and(|key| key.is_ok_and(|key| key.verify(bytes, signature)))
    }
}

/// Whose keys a verifier trusts: `{"logs": ["name+id+key"], "approvers": [...]}`.
///
/// # Errors
/// `invalid`, naming what is wrong.
pub fn trust(json: Json) -> Result<(Trust, Vec<Verifier>)> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Said {
        #[serde(default)]
        logs: Vec<String>,
        #[serde(default)]
        approvers: Vec<String>,
    }
    let said: Said = serde_json::from_value(json).map_err(|cause| {
        Error::new(Kind::Invalid, format!("the trusted keys are wrong: {cause}"))
    })?;
    let read =
        |keys: Vec<String>| keys.iter().map(|key| key.parse()).collect::<Result<Vec<Verifier>>>();
    let (logs, approvers) = (read(said.logs)?, read(said.approvers)?);
    let trust = logs.iter().cloned().fold(Trust::new(), Trust::with_log);
    Ok((approvers.into_iter().fold(trust, Trust::with_approver), logs))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_signs_wherever_it_is() {
        let key = Key::from_seed("bo.example", &[7; 32]).unwrap();
        let other = key.clone();
        let public = key.verifier().to_string();
        let host = Key::of_host(&public, move |bytes| other.sign(bytes)).unwrap();
        let signature = host.sign(b"yes").unwrap();
        let people = People::from_json(json!({"person:bo": public, "person:cy": []})).unwrap();
        let check = |person: &str| {
            people.verify(&Approver::new(person, ["owner"]), &public, b"yes", &signature)
        };
        assert_eq!(
            (check("person:bo"), check("person:cy"), check("person:di")),
            (true, false, false)
        );
        assert!(!format!("{key:?}").contains("7, 7"));
        assert_eq!(Key::from_seed("bo", &[1; 31]).unwrap_err().kind(), Kind::Invalid);
        assert!(Key::generate("bo").unwrap().verifier() != Key::generate("bo").unwrap().verifier());
    }

    #[test]
    fn trusted_keys_are_read_strictly() {
        let key = Key::from_seed("log.example", &[1; 32]).unwrap().verifier().to_string();
        assert_eq!(trust(json!({"logs": [key]})).unwrap().1.len(), 1);
        for wrong in [json!({"log": []}), json!({"logs": ["nobody"]}), json!(7)] {
            assert_eq!(trust(wrong).unwrap_err().kind(), Kind::Invalid);
        }
        assert_eq!(
            People::from_json(json!({"person:bo": "none"})).unwrap_err().kind(),
            Kind::Invalid
        );
    }
}
