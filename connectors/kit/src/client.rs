//! The client: one call, with everything that belongs to it.

use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use trueup_connector::{Context, Error, Kind, Result};
use url::Url;

use crate::answer::Answer;
use crate::endpoint::{Endpoint, address};
use crate::exchange::{Delivery, Inner, Undelivered};
use crate::failure::ReadDetail;
use crate::manners::{Manners, pause};
use crate::request::Request;
use crate::secret::Secrets;

/// Speaks to one system. Clones share everything: connections, token, limits.
///
/// # Promises
/// - A call that reads is sent again, within the [`Manners`], after a failure that may pass. One that
///   writes is sent again only where the system surely did nothing: it asked for fewer calls, or did
///   not accept the credential, or was never reached.
/// - Credentials go to the host of the base address and to no other, whatever redirects, next links
///   and the like say.
/// - A refused credential is renewed once: a new token, or the secret asked for anew.
/// - No answer is larger, and no call longer, than the [`Endpoint`] says.
/// - No error shows a query, a body or a secret that was used.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

impl Client {
    /// A client of this system; nothing is sent yet. `read` reads the vendor's form of errors.
    ///
    /// # Errors
    /// `invalid`, naming the setting.
    pub fn new(
        endpoint: Endpoint,
        manners: Manners,
        secrets: Arc<dyn Secrets>,
        read: ReadDetail,
    ) -> Result<Self> {
        let base = endpoint.base()?;
        endpoint.auth.check()?;
        if let Some(proxy) = &endpoint.proxy {
            reqwest::Proxy::all(&proxy.url).map_err(|cause| {
                let message = "the setting `proxy.url` is no address of a proxy";
                Error::new(Kind::Invalid, message).with_source(cause)
            })?;
        }
        Ok(Self(Arc::new(Inner::new(endpoint, base, manners, secrets, read))))
    }

    /// The address that all paths are below.
    pub fn base(&self) -> &Url {
        &self.0.base
    }

    /// Sends a call, and takes the answer where the system did what it was asked.
    ///
    /// # Errors
    /// What the system's refusal means, with method and path; `unavailable` where there is no
    /// answer, `limit` where it is too large, `cancelled`.
    pub async fn send(&self, context: &Context, request: Request) -> Result<Answer> {
        let answer = self.ask(context, &request).await?;
        match answer.is_success() {
            true => Ok(answer),
            false => Err(self.0.refused(&answer)),
        }
    }

    /// Sends a call that reads, and reads its answer as JSON of this form.
    ///
    /// # Errors
    /// As [`Client::send`], and `protocol` where the body is not of this form.
    pub async fn json<T: DeserializeOwned>(
        &self,
        context: &Context,
        request: Request,
    ) -> Result<T> {
        self.read(context, request, Answer::json).await
    }

    /// Sends a call that reads, and takes from the answer what `take` takes; where that fails in a
    /// way that may pass, as with a body that was cut, the call is sent again.
    ///
    /// # Errors
    /// As [`Client::send`], and those of `take`.
    pub async fn read<T>(
        &self,
        context: &Context,
        request: Request,
        take: impl Fn(&Answer) -> Result<T>,
    ) -> Result<T> {
        let mut tries = 1;
        loop {
            let taken = take(&self.send(context, request.clone()).await?);
            let Err(error) = taken else { return taken };
            match self.0.manners.pause(&error, tries) {
                Some(wait) => pause(context, wait).await?,
                None => return Err(error),
            }
            tries += 1;
        }
    }

    /// Sends a call, and takes the last answer whatever its status: for calls where a refusal says
    /// something (304, 404, 412).
    ///
    /// # Errors
    /// Where there is no answer at all.
    pub async fn ask(&self, context: &Context, request: &Request) -> Result<Answer> {
        match self.deliver(context, request).await {
            Delivery::Answered(answer) => Ok(answer),
            Delivery::NotSent(error) | Delivery::Lost(error) => Err(error),
        }
    }

    /// Sends a call that writes, and tells what became of it.
    pub async fn deliver(&self, context: &Context, request: &Request) -> Delivery {
        let mut tries = 1;
        loop {
            let (delivery, error) = match self.0.attempt(context, request).await {
                Delivery::Answered(answer) if answer.is_success() => {
                    return Delivery::Answered(answer);
                }
                Delivery::Answered(answer) => {
                    let error = self.0.refused(&answer);
                    (Delivery::Answered(answer), error)
                }
                Delivery::NotSent(error) => (Delivery::NotSent(again(&error)), error),
                Delivery::Lost(error) => (Delivery::Lost(again(&error)), error),
            };
            let Some(wait) = self.0.manners.pause(&error, tries) else { return delivery };
            if !request.is_safe() && !did_nothing(&delivery) {
                return delivery;
            }
            if let Err(cancelled) = pause(context, wait).await {
                return Delivery::NotSent(cancelled);
            }
            tries += 1;
        }
    }

    /// Fetches what lies on another host, without credentials: what a system made ready to be taken
    /// away.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn download(&self, context: &Context, url: &str) -> Result<Answer> {
        let url = address("download", url)?;
        let request = Request::get(url.as_str());
        let _place = self.0.gate.enter(context).await?;
        let answer = self.0.follow(&request, url, None).await.map_err(Undelivered::into_error)?;
        match answer.is_success() {
            true => Ok(answer),
            false => Err(self.0.refused(&answer)),
        }
    }

    /// The error that a refusal is, in the system's words.
    pub fn refusal(&self, answer: &Answer) -> Error {
        self.0.refused(answer)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base", &self.0.base.as_str()).finish_non_exhaustive()
    }
}

/// Whether the system surely did nothing.
fn did_nothing(delivery: &Delivery) -> bool {
    match delivery {
        Delivery::Answered(answer) => answer.status == 429,
        Delivery::NotSent(_) => true,
        Delivery::Lost(_) => false,
    }
}

fn again(error: &Error) -> Error {
    Error::new(error.kind(), error.to_string()).with_retry(error.retry())
}
