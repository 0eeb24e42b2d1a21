//! Secrets: where they come from, and that they do not show.
//!
//! order: environment → files

mod environment;
mod files;

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom, SystemRandom};
use trueup_connector::{Result, async_trait};

pub use environment::Environment;
pub use files::Files;

/// A password, key or token: it is not shown by `Debug`, and not in any error.
///
/// ```
/// let password = trueup_kit::Secret::new("open sesame");
/// assert_eq!(format!("{password:?}"), "‹secret›");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Keeps a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into().into())
    }

    /// A secret that nobody knows yet: 32 letters, digits and signs, of each at least one, from the
    /// machine's random numbers.
    ///
    /// # Errors
    /// `internal` where the machine has none.
    pub fn random() -> Result<Self> {
        let mut bytes = [0; 21];
        SystemRandom::new().fill(&mut bytes).map_err(|_| {
            let message = "the machine has no random numbers";
            trueup_connector::Error::new(trueup_connector::Kind::Internal, message)
        })?;
        Ok(Self::new(format!("{}aA1!", BASE64_URL_SAFE_NO_PAD.encode(bytes))))
    }

    /// The secret itself: for the call that needs it, and nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("‹secret›")
    }
}

/// Where secrets come from, by name.
///
/// A connector asks each time it needs one and keeps none longer than a call, so that a secret may
/// be replaced while the connector lives.
///
/// ```
/// use trueup_kit::{Fixed, Secret, Secrets};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), trueup_connector::Error> {
/// let secrets = Fixed::new([("api", Secret::new("open sesame"))]);
/// assert_eq!(secrets.get("api").await?.expose(), "open sesame");
/// let error = secrets.get("apj").await.unwrap_err();
/// assert_eq!(error.to_string(), "there is no secret `apj`; did you mean `api`?");
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait Secrets: fmt::Debug + Send + Sync {
    /// The secret of this name, as it is now.
    ///
    /// # Errors
    /// `not_found` where there is none, naming what to set; those of the place it is kept.
    async fn get(&self, name: &str) -> Result<Secret>;

    /// The same after the system refused it: a provider that remembers secrets asks again.
    ///
    /// # Errors
    /// As [`Secrets::get`].
    async fn renew(&self, name: &str) -> Result<Secret> {
        self.get(name).await
    }
}

/// Secrets that the host itself hands over.
#[derive(Clone, Default)]
pub struct Fixed(Vec<(String, Secret)>);

impl Fixed {
    /// These secrets by their names.
    pub fn new<N: Into<String>>(secrets: impl IntoIterator<Item = (N, Secret)>) -> Self {
        Self(secrets.into_iter().map(|(name, secret)| (name.into(), secret)).collect())
    }
}

impl fmt::Debug for Fixed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

#[async_trait]
impl Secrets for Fixed {
    async fn get(&self, name: &str) -> Result<Secret> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, secret)| secret.clone()).ok_or_else(|| {
            let known = self.0.iter().map(|(name, _)| name.as_str());
            missing(name, &trueup_connector::suggest(name, known))
        })
    }
}

fn missing(name: &str, advice: &str) -> trueup_connector::Error {
    let message = format!("there is no secret `{name}`{advice}");
    trueup_connector::Error::new(trueup_connector::Kind::NotFound, message)
}
