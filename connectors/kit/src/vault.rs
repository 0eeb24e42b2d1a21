//! Secrets in HashiCorp Vault or OpenBao: the key-value engine, version 2.
//!
//! Source: the HTTP API pages of both projects (KV v2, AppRole, Kubernetes, tokens), which agree.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use tokio::sync::Mutex;
use trueup_connector::{Context, Error, Kind, Result, async_trait, suggest};

use crate::answer::Answer;
use crate::client::Client;
use crate::endpoint::Endpoint;
use crate::failure::Detail;
use crate::manners::Manners;
use crate::request::{Request, encode};
use crate::secret::{Secret, Secrets};

/// The settings of a [`Vault`].
///
/// ```
/// let settings: trueup_kit::VaultSettings = serde_json::from_str(
///     r#"{"endpoint": {"base_url": "https://vault.example.org:8200/v1"},
///         "login": {"kind": "app_role", "role_id": "vault-role", "secret_id": "vault-secret"},
///         "names": {"intune": {"path": "trueup/intune", "key": "client_secret"}}}"#)?;
/// assert_eq!(settings.mount, "secret");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct VaultSettings {
    /// Where it is: the address with `/v1`.
    pub endpoint: Endpoint,
    /// How it knows us.
    pub login: Login,
    /// Where the key-value engine is mounted.
    #[serde(default = "mount")]
    pub mount: String,
    /// The namespace, where there are such.
    #[serde(default)]
    pub namespace: Option<String>,
    /// How long a secret is kept before it is asked for anew, in milliseconds.
    #[serde(default = "keep")]
    pub keep_ms: u64,
    /// Where the secrets are, by the names that settings call them.
    pub names: HashMap<String, Entry>,
}

/// One value of one secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The secret's path below the mount, without `data`.
    pub path: String,
    /// Which of its values.
    pub key: String,
}

/// How Vault knows us; secrets stand here by their names in another provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Login {
    /// By a token that somebody else got.
    Token {
        /// The secret with the token.
        secret: String,
    },
    /// By a role and its secret.
    AppRole {
        /// Where the method is mounted.
        #[serde(default = "app_role")]
        mount: String,
        /// The secret with the role's identifier.
        role_id: String,
        /// The secret with the role's secret.
        secret_id: String,
    },
    /// By the token that Kubernetes gives a pod.
    Kubernetes {
        /// Where the method is mounted.
        #[serde(default = "kubernetes")]
        mount: String,
        /// The role to take.
        role: String,
        /// The secret with the pod's token.
        jwt: String,
    },
}

/// Secrets in HashiCorp Vault or OpenBao, key-value engine version 2.
///
/// A secret is kept for a short while and asked for anew after that, and at once when a system
/// refused it. The token is got anew when it ends or is refused.
pub struct Vault {
    settings: VaultSettings,
    client: Client,
    login: Arc<dyn Secrets>,
    token: Mutex<Option<(Secret, Instant)>>,
    kept: Mutex<HashMap<String, (Secret, Instant)>>,
}

impl Vault {
    /// The secrets of this Vault; `login` has those that it takes to get in.
    ///
    /// # Errors
    /// `invalid`, naming the setting.
    pub fn new(settings: VaultSettings, login: Arc<dyn Secrets>) -> Result<Self> {
        let manners = Manners::default().with_tries(3);
        let client = Client::new(settings.endpoint.clone(), manners, login.clone(), detail)?;
        Ok(Self { settings, client, login, token: Mutex::default(), kept: Mutex::default() })
    }

    async fn read(&self, name: &str) -> Result<Secret> {
        let entry = self.settings.names.get(name).ok_or_else(|| {
            let known = suggest(name, self.settings.names.keys().map(String::as_str));
            Error::new(Kind::NotFound, format!("there is no secret `{name}` in `names`{known}"))
        })?;
        let path: Vec<String> = entry.path.split('/').map(encode).collect();
        let path = format!("{}/data/{}", self.settings.mount, path.join("/"));
        let answer = self.with_token(Request::get(path)).await?;
        if !answer.is_success() {
            return Err(self.refused(&answer, name, entry));
        }
        value(&answer.json()?, entry).ok_or_else(|| {
            let message = format!("the secret `{name}` has no text `{}`", entry.key);
            Error::new(Kind::NotFound, message).with("path", &entry.path)
        })
    }

    /// Vault says 403 for a token that has ended as for a path that is not there.
    async fn with_token(&self, request: Request) -> Result<Answer> {
        let token = self.token(None).await?;
        let answer = self.ask(&request, &token).await?;
        if answer.status != 403 || matches!(self.settings.login, Login::Token { .. }) {
            return Ok(answer);
        }
        let renewed = self.token(Some(&token)).await?;
        self.ask(&request, &renewed).await
    }

    async fn ask(&self, request: &Request, token: &Secret) -> Result<Answer> {
        let request = request.clone().header("x-vault-token", token.expose());
        self.client.ask(&Context::new(), &self.common(request)).await
    }

    fn common(&self, request: Request) -> Request {
        let request = request.header("x-vault-request", "true");
        match &self.settings.namespace {
            Some(namespace) => request.header("x-vault-namespace", namespace),
            None => request,
        }
    }

    async fn token(&self, refused: Option<&Secret>) -> Result<Secret> {
        let mut held = self.token.lock().await;
        if let Some((token, until)) = held.as_ref()
            && Some(token) != refused
            && Instant::now() < *until
        {
            return Ok(token.clone());
        }
        let (token, life) = self.log_in().await?;
        *held = Some((token.clone(), Instant::now() + life));
        Ok(token)
    }

    async fn log_in(&self) -> Result<(Secret, Duration)> {
        let (path, body) = match &self.settings.login {
            // Asked for anew each time: it may be replaced.
            Login::Token { secret } => return Ok((self.login.get(secret).await?, Duration::ZERO)),
            Login::AppRole { mount, role_id, secret_id } => {
                let (role, secret) =
                    (self.login.get(role_id).await?, self.login.get(secret_id).await?);
                let body = json!({"role_id": role.expose(), "secret_id": secret.expose()});
                (format!("auth/{mount}/login"), body)
            }
            Login::Kubernetes { mount, role, jwt } => {
                let jwt = self.login.get(jwt).await?;
                (format!("auth/{mount}/login"), json!({"role": role, "jwt": jwt.expose()}))
            }
        };
        let request = self.common(Request::post(path).json(&body)?);
        let answer = self.client.ask(&Context::new(), &request).await?;
        if matches!(answer.status, 400 | 403) {
            let message = "the login was refused: check role, secret and their bounds";
            return Err(Error::new(Kind::Unauthenticated, message).with("status", answer.status));
        }
        if !answer.is_success() {
            return Err(self.client.refusal(&answer));
        }
        let granted: Granted = answer.json()?;
        let life = Duration::from_secs(granted.auth.lease_duration);
        Ok((Secret::new(granted.auth.client_token), life - life / 10))
    }

    fn refused(&self, answer: &Answer, name: &str, entry: &Entry) -> Error {
        let deleted =
            answer.json::<Json>().is_ok_and(|body| body.pointer("/data/metadata").is_some());
        let what = match (answer.status, deleted) {
            (404, true) => "was deleted",
            (404, false) => "is not there",
            (403, _) => "may not be read, or is not there",
            _ => return self.client.refusal(answer),
        };
        let kind = if answer.status == 404 { Kind::NotFound } else { Kind::Forbidden };
        let error = Error::new(kind, format!("the secret `{name}` {what}"));
        error.with("mount", &self.settings.mount).with("path", &entry.path)
    }

    async fn keep(&self, name: &str, secret: &Secret) {
        let until = Instant::now() + Duration::from_millis(self.settings.keep_ms);
        self.kept.lock().await.insert(name.to_owned(), (secret.clone(), until));
    }
}

#[async_trait]
impl Secrets for Vault {
    async fn get(&self, name: &str) -> Result<Secret> {
        if let Some((secret, until)) = self.kept.lock().await.get(name)
            && Instant::now() < *until
        {
            return Ok(secret.clone());
        }
        self.renew(name).await
    }

    async fn renew(&self, name: &str) -> Result<Secret> {
        let secret = self.read(name).await?;
        self.keep(name, &secret).await;
        Ok(secret)
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("settings", &self.settings).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Granted {
    auth: Lease,
}

#[derive(Deserialize)]
struct Lease {
    client_token: String,
    #[serde(default)]
    lease_duration: u64,
}

fn value(body: &Json, entry: &Entry) -> Option<Secret> {
    let value = body.pointer("/data/data")?.get(&entry.key)?.as_str()?;
    Some(Secret::new(value))
}

fn detail(answer: &Answer) -> Option<Detail> {
    let body: Json = answer.json().ok()?;
    let errors = body.get("errors")?.as_array()?;
    let errors: Vec<&str> = errors.iter().filter_map(Json::as_str).collect();
    let detail = Detail::new(errors.join("; "));
    Some(match answer.status {
        412 | 472 | 473 => detail.with_kind(Kind::Unavailable),
        501 => Detail::new("it is not initialised").with_kind(Kind::Unavailable),
        503 => Detail::new("it is sealed or under maintenance"),
        _ => detail,
    })
}

fn mount() -> String {
    "secret".into()
}

fn app_role() -> String {
    "approle".into()
}

fn kubernetes() -> String {
    "kubernetes".into()
}

fn keep() -> u64 {
    30_000
}
