//! Work that a system does after it answered: asked about until it is done.

use std::time::Duration;

use trueup_connector::{Context, Error, Kind, Result};

use crate::answer::Answer;
use crate::client::Client;
use crate::manners::pause;
use crate::request::Request;

/// How far a piece of work is.
#[derive(Debug)]
pub enum Progress<T> {
    /// Ask again.
    Running,
    /// It is done, with this outcome.
    Done(T),
}

/// How often to ask, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Patience {
    /// How long to wait before the first question; later ones wait half as long again each.
    pub first: Duration,
    /// The longest wait between two questions.
    pub longest: Duration,
    /// How long to go on asking.
    pub overall: Duration,
}

impl Patience {
    /// Asks first after this long, and for at most that long.
    pub fn new(first: Duration, overall: Duration) -> Self {
        Self { first, longest: Duration::from_secs(30), overall }
    }
}

/// Asks about a piece of work until `judge` says that it is done. All it needs to know is the
/// request, so that another process can go on asking after a crash.
///
/// # Errors
/// Those of [`Client::send`] and of `judge`; `limit` where it is not done in time: the work may
/// still go on, and may be asked about again.
pub async fn wait<T>(
    client: &Client,
    context: &Context,
    request: &Request,
    patience: Patience,
    judge: impl Fn(&Answer) -> Result<Progress<T>>,
) -> Result<T> {
    let start = tokio::time::Instant::now();
    let mut next = patience.first;
    loop {
        pause(context, next).await?;
        if let Progress::Done(outcome) = judge(&client.send(context, request.clone()).await?)? {
            return Ok(outcome);
        }
        if start.elapsed() >= patience.overall {
            let message =
                format!("`{request}` is not done after {:?}; ask again later", patience.overall);
            return Err(Error::new(Kind::Limit, message));
        }
        next = (next + next / 2).min(patience.longest);
    }
}
