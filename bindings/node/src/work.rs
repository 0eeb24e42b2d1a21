//! Work in the background as Node sees it.

use std::sync::Arc;

use napi::bindgen_prelude::{JsObjectValue, Object, ToNapiValue};
use napi::{Env, JsDeferred, JsValue};
use napi_derive::napi;
use trueup::{Context, Result};
use trueup_bindings::job::Job;

use crate::errors::{OrThrow, said, thrown};

/// Puts what came of work into its outcome, on Node's thread.
pub(crate) type Delivery = Box<dyn FnOnce(&mut Object<'static>) -> napi::Result<()> + Send>;
type Settle = Box<dyn FnOnce(Env) -> napi::Result<Object<'static>>>;

/// Work that goes on in the background, without holding up the event loop.
#[napi]
pub struct Work(Arc<dyn Task>);

/// A job, whatever comes of it.
pub(crate) trait Task: Send + Sync {
    fn cancel(&self);
    fn progress(&self) -> Option<trueup::Progress>;
    fn when_over(&self, bell: Box<dyn FnOnce() + Send>);
    fn take(&self) -> Option<Result<Delivery>>;
}

impl<T: ToNapiValue + Send + 'static> Task for Job<T> {
    fn cancel(&self) {
        self.cancel();
    }

    fn progress(&self) -> Option<trueup::Progress> {
        self.progress()
    }

    fn when_over(&self, bell: Box<dyn FnOnce() + Send>) {
        self.when_over(bell);
    }

    fn take(&self) -> Option<Result<Delivery>> {
        self.take().map(|outcome| outcome.map(delivery))
    }
}

/// How far work is.
#[napi(object, object_from_js = false)]
pub struct Progress {
    /// What it is doing.
    pub stage: &'static str,
    /// The rows done.
    pub done: f64,
    /// The rows in all, where that is known.
    pub total: Option<f64>,
}

impl Work {
    /// Starts work on a thread of its own.
    pub(crate) fn start<T: ToNapiValue + Send + 'static>(
        work: impl FnOnce(&Context) -> Result<T> + Send + 'static,
    ) -> napi::Result<Self> {
        Job::start(work).or_throw().map(Self::of)
    }

    /// Starts reading on the runtime.
    pub(crate) fn read<T: ToNapiValue + Send + 'static, F>(
        work: impl FnOnce(Context) -> F,
    ) -> napi::Result<Self>
    where
        F: Future<Output = Result<T>> + Send + 'static,
    {
        Job::read(work).or_throw().map(Self::of)
    }

    /// A job that goes on already.
    pub(crate) fn of(job: impl Task + 'static) -> Self {
        Self(Arc::new(job))
    }
}

#[napi]
impl Work {
    /// What comes of it: `value`, or `failure` with the exception of a connector as its `cause`.
    /// To be asked once.
    #[napi(
        ts_return_type = "Promise<{ value?: unknown; failure?: string; cause?: unknown; [beside: string]: unknown }>"
    )]
    pub fn outcome(&self, env: &Env) -> napi::Result<Object<'static>> {
        let (deferred, promise): (JsDeferred<Object<'static>, Settle>, _) =
            env.create_deferred()?;
        let promise = Object::from_raw(env.raw(), promise.raw());
        let job = self.0.clone();
        self.0.when_over(Box::new(move || {
            let outcome = job.take();
            deferred.resolve(Box::new(move |env| settle(&env, outcome)));
        }));
        Ok(promise)
    }

    /// Asks it to stop; it is over soon after.
    #[napi]
    pub fn cancel(&self) {
        self.0.cancel();
    }

    /// How far it is, where it said so since the last call.
    #[napi]
    pub fn progress(&self) -> Option<Progress> {
        let progress = self.0.progress()?;
        let (done, total) = (progress.done as f64, progress.total.map(|total| total as f64));
        Some(Progress { stage: progress.stage, done, total })
    }
}

/// The TypeScript half keeps the handle until the work is over, so only a torn-down environment,
/// a worker's say, drops it before: then nobody waits any more.
impl Drop for Work {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

fn delivery<T: ToNapiValue + Send + 'static>(value: T) -> Delivery {
    Box::new(move |outcome| outcome.set_named_property("value", value))
}

fn settle(env: &Env, outcome: Option<Result<Delivery>>) -> napi::Result<Object<'static>> {
    let mut settled = Object::new(env)?;
    match outcome {
        Some(Ok(deliver)) => deliver(&mut settled)?,
        Some(Err(error)) => {
            settled.set_named_property("failure", said(&error))?;
            if let Some(exception) = thrown(&error) {
                settled.set_named_property("cause", exception)?;
            }
        }
        None => {
            return Err(napi::Error::from_reason("the outcome was taken before"));
        }
    }
    Ok(settled)
}
