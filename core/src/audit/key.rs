//! Keys: who may sign, and how a signature is checked.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};
use trueup_connector::{Error, Kind, Result, hex};

use super::encoding::{base64, invalid, unbase64};

/// The signature type of Ed25519 in C2SP signed-note.
const ED25519: u8 = 1;
const LONGEST_NAME: usize = 200;

/// Signs for a log or for a person. The host provides it: keys stay where they are.
pub trait Signer: Send + Sync {
    /// The name, key id and public key that the signatures can be checked with.
    fn verifier(&self) -> &Verifier;

    /// The Ed25519 signature of these bytes, 64 bytes.
    ///
    /// # Errors
    /// Whatever keeps the host from signing; nothing is written then.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>>;
}

/// A named public key. As text it is what C2SP tools call a verifier key.
///
/// ```
/// use trueup::audit::Verifier;
///
/// let text = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
/// let key: Verifier = text.parse()?;
/// assert_eq!(key.name(), "sum.golang.org");
/// assert_eq!(key.to_string(), text);
/// # Ok::<(), trueup::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    key: VerifyingKey,
}

/// Signs with a key held in memory. `Debug` shows its public half only.
pub struct Ed25519Signer {
    key: SigningKey,
    verifier: Verifier,
}

impl Verifier {
    /// The Ed25519 key of this name from its 32 public bytes.
    ///
    /// # Errors
    /// [`Kind::Invalid`] for a name with white space, `+` or control characters, empty or longer
    /// than 200 bytes, and for bytes that are no key or a weak one.
    pub fn ed25519(name: &str, public: [u8; 32]) -> Result<Self> {
        check_name(name)?;
        match VerifyingKey::from_bytes(&public) {
            Ok(key) if !key.is_weak() => Ok(Self { name: name.to_owned(), key }),
            _ => invalid(format!("the public key of `{name}` is not an Ed25519 key")),
        }
    }

    /// Whose key it is.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What signatures name the key by, together with its name (C2SP signed-note).
    pub fn key_id(&self) -> [u8; 4] {
        let hash: [u8; 32] = Sha256::new()
            .chain_update(&self.name)
            .chain_update(b"\n")
            .chain_update(self.typed_key())
            .finalize()
            .into();
        let [a, b, c, d, ..] = hash;
        [a, b, c, d]
    }

    /// What a manifest's signatures name the key by: name, `+` and key id in hex.
    pub fn label(&self) -> String {
        format!("{}+{}", self.name, hex(&self.key_id()))
    }

    /// Whether these bytes are the key's signature of the message (RFC 8032, strictly).
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        let signature = Signature::from_slice(signature);
        signature.is_ok_and(|signature| self.key.verify_strict(message, &signature).is_ok())
    }

    fn typed_key(&self) -> [u8; 33] {
        let mut bytes = [ED25519; 33];
        bytes.iter_mut().skip(1).zip(self.key.as_bytes()).for_each(|(to, from)| *to = *from);
        bytes
    }
}

impl FromStr for Verifier {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = |why: &str| Error::new(Kind::Invalid, format!("`{text}` is no key: {why}"));
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(wrong("it is written name+id+key"));
        };
        let public = match unbase64(key).as_deref().and_then(<[u8]>::split_first) {
            Some((&ED25519, public)) => <[u8; 32]>::try_from(public).ok(),
            _ => None,
        };
        let public = public.ok_or_else(|| wrong("its key is not one of Ed25519 in base64"))?;
        let key = Self::ed25519(name, public)?;
        match hex(&key.key_id()) == id {
            true => Ok(key),
            false => Err(wrong("its id is not that of its name and key")),
        }
    }
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}", self.label(), base64(&self.typed_key()))
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verifier({self})")
    }
}

impl Ed25519Signer {
    /// The signer of this name whose key comes from these 32 secret bytes (RFC 8032's private key).
    ///
    /// # Errors
    /// [`Kind::Invalid`] for a name that is none, as in [`Verifier::ed25519`].
    pub fn new(name: &str, seed: [u8; 32]) -> Result<Self> {
        let key = SigningKey::from_bytes(&seed);
        let verifier = Verifier::ed25519(name, key.verifying_key().to_bytes())?;
        Ok(Self { key, verifier })
    }
}

impl Signer for Ed25519Signer {
    fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        Ok(self.key.sign(message).to_bytes().to_vec())
    }
}

impl fmt::Debug for Ed25519Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ed25519Signer({})", self.verifier)
    }
}

/// Signs, and makes sure that others will be able to check it.
pub(super) fn sign_checked(signer: &dyn Signer, message: &[u8]) -> Result<Vec<u8>> {
    let signature = signer.sign(message)?;
    match signer.verifier().verify(message, &signature) {
        true => Ok(signature),
        false => Err(Error::new(
            Kind::Protocol,
            format!(
                "the signer `{}` gave a signature that its own public key refuses",
                signer.verifier().name()
            ),
        )),
    }
}

pub(super) fn check_name(name: &str) -> Result<()> {
    let stray = |c: char| c.is_whitespace() || c.is_control() || c == '+';
    match (1..=LONGEST_NAME).contains(&name.len()) && !name.contains(stray) {
        true => Ok(()),
        false => invalid(format!(
            "`{}` cannot name a key or a log: use 1 to {LONGEST_NAME} bytes without white space \
             and `+`, such as `log.example/audit`",
            name.escape_debug()
        )),
    }
}
