//! One exchange with a system: credentials, redirects, bounds.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use reqwest::header::{HeaderName, HeaderValue};
use trueup_connector::{Context, Error, Kind, Result, Retry};
use url::Url;

use crate::answer::Answer;
use crate::auth::{self, Credential, Tokens};
use crate::endpoint::{Endpoint, address, same_origin};
use crate::failure::{Detail, ReadDetail, broken, refusal};
use crate::manners::{Gate, Manners};
use crate::request::Request;
use crate::secret::{Secret, Secrets};
use crate::tls::{self, Pair};

/// What clones of a client share.
pub(crate) struct Inner {
    pub(crate) endpoint: Endpoint,
    pub(crate) base: Url,
    pub(crate) manners: Manners,
    pub(crate) gate: Gate,
    pub(crate) secrets: Arc<dyn Secrets>,
    pub(crate) read: ReadDetail,
    tokens: Tokens,
    http: Mutex<Option<(Option<Pair>, reqwest::Client)>>,
    /// What must not be shown; the last few.
    used: Mutex<Vec<Secret>>,
}

/// What became of a call that writes.
#[derive(Debug)]
#[non_exhaustive]
pub enum Delivery {
    /// The system answered, whatever it said.
    Answered(Answer),
    /// The system never got it.
    NotSent(Error),
    /// The system may have got it; whether it did anything is not known.
    Lost(Error),
}

/// Why there is no answer.
pub(crate) struct Undelivered {
    sent: bool,
    error: Error,
}

impl Undelivered {
    fn before(error: Error) -> Self {
        Self { sent: false, error }
    }

    pub(crate) fn into_error(self) -> Error {
        self.error
    }

    fn into_delivery(self) -> Delivery {
        match self.sent {
            true => Delivery::Lost(self.error),
            false => Delivery::NotSent(self.error),
        }
    }
}

impl Inner {
    pub(crate) fn new(
        endpoint: Endpoint,
        base: Url,
        manners: Manners,
        secrets: Arc<dyn Secrets>,
        read: ReadDetail,
    ) -> Self {
        let (gate, tokens) = (Gate::new(&manners), Tokens::default());
        let (http, used) = (Mutex::default(), Mutex::default());
        Self { endpoint, base, manners, gate, secrets, read, tokens, http, used }
    }

    /// Once through, with a renewed credential where the first is refused.
    pub(crate) async fn attempt(&self, context: &Context, request: &Request) -> Delivery {
        let entered = self.gate.enter(context).await;
        let _place = match entered {
            Ok(place) => place,
            Err(error) => return Delivery::NotSent(error),
        };
        match self.authorised(request).await {
            Ok(answer) => Delivery::Answered(answer),
            Err(undelivered) => undelivered.into_delivery(),
        }
    }

    async fn authorised(&self, request: &Request) -> Result<Answer, Undelivered> {
        let url = request.address(&self.base).map_err(Undelivered::before)?;
        if !same_origin(&url, &self.base) {
            return Err(Undelivered::before(foreign(&url)));
        }
        let credential = self.credential(None).await.map_err(Undelivered::before)?;
        let answer = self.follow(request, url.clone(), credential.as_ref()).await?;
        let Some(refused) = credential.filter(|_| answer.status == 401) else { return Ok(answer) };
        let renewed = self.credential(Some(&refused)).await.map_err(Undelivered::before)?;
        match renewed == Some(refused) {
            true => Ok(answer),
            false => self.follow(request, url, renewed.as_ref()).await,
        }
    }

    async fn credential(&self, refused: Option<&Credential>) -> Result<Option<Credential>> {
        let (auth, secrets) = (&self.endpoint.auth, &*self.secrets);
        if let Some(ready) = auth.ready(secrets, refused.is_some()).await? {
            self.hide(&ready.value);
            return Ok(Some(ready));
        }
        let mut turn = self.tokens.turn().await;
        if let Some(current) = turn.current(refused) {
            return Ok(Some(current));
        }
        let Some(asks) = auth.token_request(secrets, refused.is_some()).await? else {
            return Ok(None);
        };
        asks.secret().into_iter().for_each(|secret| self.hide(secret));
        let request = asks.request();
        let url = address("token_url", &request.path)?;
        let answer = self.follow(&request, url, None).await.map_err(Undelivered::into_error)?;
        if !answer.is_success() {
            return Err(self.refusal(&answer, auth::detail));
        }
        let credential = turn.take(&answer)?;
        self.hide(&credential.value);
        Ok(Some(credential))
    }

    /// Follows redirects; credentials and headers of the call stay with their host.
    pub(crate) async fn follow(
        &self,
        request: &Request,
        url: Url,
        credential: Option<&Credential>,
    ) -> Result<Answer, Undelivered> {
        let (mut at, mut home) = (url.clone(), true);
        for _ in 0..MOST_REDIRECTS {
            let answer = self.exchange(request, &at, credential.filter(|_| home), home).await?;
            let Some(next) = redirect(&answer, &at) else { return Ok(answer) };
            // Once away from home it is not home again.
            home = home && same_origin(&next, &url);
            let same_call = request.is_safe() || (home && answer.status >= 307);
            if !same_call {
                return Ok(answer);
            }
            at = address("redirect", next.as_str())
                .map_err(|error| Undelivered { sent: true, error })?;
        }
        let message = format!("`{request}` is redirected without end");
        Err(Undelivered { sent: true, error: Error::new(Kind::Protocol, message) })
    }

    async fn exchange(
        &self,
        request: &Request,
        url: &Url,
        credential: Option<&Credential>,
        home: bool,
    ) -> Result<Answer, Undelivered> {
        let http = self.http().await.map_err(Undelivered::before)?;
        let mut call = http.request(request.method.clone(), url.clone());
        for (name, value) in request.headers.iter().filter(|_| home) {
            let (name, value) = header(name, value).map_err(Undelivered::before)?;
            call = call.header(name, value);
        }
        if let Some(credential) = credential {
            let named = header(&credential.header, credential.value.expose());
            let (name, mut value) = named.map_err(Undelivered::before)?;
            value.set_sensitive(true);
            call = call.header(name, value);
        }
        if let Some((media, body)) = &request.body {
            call = call.header("content-type", media.as_str()).body(body.clone());
        }
        let name = request.to_string();
        let lost = |cause: reqwest::Error| {
            let sent = !cause.is_connect() && !cause.is_builder();
            Undelivered { sent, error: broken(&name, cause) }
        };
        let mut response = call.send().await.map_err(lost)?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(lost)? {
            if body.len() + chunk.len() > self.endpoint.max_answer_bytes {
                let error = too_large(&name, self.endpoint.max_answer_bytes);
                return Err(Undelivered { sent: true, error });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer::inner(name, status, headers, body))
    }

    /// The HTTP client; a new one when the client certificate is another one.
    async fn http(&self) -> Result<reqwest::Client> {
        let pair = match &self.endpoint.identification {
            Some(identification) => Some(Pair {
                certificate: self.secrets.get(&identification.certificate).await?,
                key: self.secrets.get(&identification.key).await?,
            }),
            None => None,
        };
        {
            let held = self.http.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((_, http)) = held.as_ref().filter(|(known, _)| *known == pair) {
                return Ok(http.clone());
            }
        }
        let proxy = self.proxy().await?;
        let http = tls::client(&self.endpoint, pair.as_ref(), proxy)?;
        let mut held = self.http.lock().unwrap_or_else(PoisonError::into_inner);
        *held = Some((pair, http.clone()));
        Ok(http)
    }

    async fn proxy(&self) -> Result<Option<reqwest::Proxy>> {
        let Some(settings) = &self.endpoint.proxy else { return Ok(None) };
        let proxy = reqwest::Proxy::all(&settings.url).map_err(|cause| {
            Error::new(Kind::Invalid, "the proxy's address is wrong").with_source(cause)
        })?;
        let (Some(user), Some(secret)) = (&settings.user, &settings.secret) else {
            return Ok(Some(proxy));
        };
        let password = self.secrets.get(secret).await?;
        self.hide(&password);
        Ok(Some(proxy.basic_auth(user, password.expose())))
    }

    pub(crate) fn refused(&self, answer: &Answer) -> Error {
        self.refusal(answer, self.read)
    }

    fn refusal(&self, answer: &Answer, read: ReadDetail) -> Error {
        let detail = read(answer).map(|detail| self.scrubbed(detail));
        refusal(answer, detail.unwrap_or_default(), Timestamp::now())
    }

    /// Keeps in mind what must not be shown.
    fn hide(&self, secret: &Secret) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if !used.contains(secret) {
            used.push(secret.clone());
            if used.len() > 8 {
                used.remove(0);
            }
        }
    }

    /// A system may repeat what it was sent.
    fn scrubbed(&self, mut detail: Detail) -> Detail {
        let used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        for secret in used.iter() {
            // Also without the scheme in front, as in `Bearer …`.
            let bare = secret.expose().rsplit(' ').next().unwrap_or_default();
            for text in [secret.expose(), bare].into_iter().filter(|text| !text.is_empty()) {
                detail.message = detail.message.replace(text, "‹secret›");
                detail.code = detail.code.map(|code| code.replace(text, "‹secret›"));
            }
        }
        detail
    }
}

const MOST_REDIRECTS: usize = 6;

fn redirect(answer: &Answer, at: &Url) -> Option<Url> {
    let is_one = matches!(answer.status, 301 | 302 | 303 | 307 | 308);
    at.join(answer.header("location").filter(|_| is_one)?).ok()
}

fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue)> {
    let bad = |what: &str| {
        let message = format!("the {what} of the header `{name}` cannot be sent");
        Error::new(Kind::Invalid, message)
    };
    let known = HeaderName::try_from(name).map_err(|_| bad("name"))?;
    Ok((known, HeaderValue::try_from(value).map_err(|_| bad("value"))?))
}

fn foreign(url: &Url) -> Error {
    let message = format!(
        "the system names an address on another host, `{}`; credentials are not sent there",
        url.host_str().unwrap_or_default()
    );
    Error::new(Kind::Protocol, message)
}

fn too_large(call: &str, most: usize) -> Error {
    let message = format!(
        "`{call}` was answered with more than {most} bytes; ask for smaller pages, or raise \
         `max_answer_bytes`"
    );
    Error::new(Kind::Limit, message).with_retry(Retry::Never)
}
