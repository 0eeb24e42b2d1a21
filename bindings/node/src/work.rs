//! Work in the background as Node sees it.

use std::sync::Arc;

use napi::bindgen_prelude::{JsObjectValue, Object, ToNapiValue};
use napi::{Env, JsDeferred, JsValue};
use napi_derive::napi;
use trueup::{Context, Result};
use trueup_bindings::job::Job;

use crate::errors::{OrThrow, said, thrown};

/// Puts what came of work into its outcome, on Node's thread.
type Delivery = Box<dyn FnOnce(&mut Object<'static>) -> napi::Result<()> + Send>;
type Settle = Box<dyn FnOnce(Env) -> napi::Result<Object<'static>>>;

/// Work that goes on in the background, without holding up the event loop.
#[napi]
pub struct Work(Arc<Job<Delivery>>);

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
        let job = Job::start(move |context| work(context).map(delivery));
        job.or_throw().map(|job| Self(Arc::new(job)))
    }

    /// Starts reading on the runtime.
    pub(crate) fn read<T: ToNapiValue + Send + 'static, F>(
        work: impl FnOnce(Context) -> F,
    ) -> napi::Result<Self>
    where
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let job = Job::read(move |context| {
            let work = work(context);
            async move { work.await.map(delivery) }
        });
        job.or_throw().map(|job| Self(Arc::new(job)))
    }
}

#[napi]
impl Work {
    /// What comes of it: `value`, or `failure` with the exception of a connector as its `cause`.
    /// To be asked once.
    #[napi(ts_return_type = "Promise<{ value?: unknown; failure?: string; cause?: unknown }>")]
    pub fn outcome(&self, env: &Env) -> napi::Result<Object<'static>> {
        let (deferred, promise): (JsDeferred<Object<'static>, Settle>, _) =
            env.create_deferred()?;
        let promise = Object::from_raw(env.raw(), promise.raw());
        let job = self.0.clone();
        self.0.when_over(move || {
            let outcome = job.take();
            deferred.resolve(Box::new(move |env| settle(&env, outcome)));
        });
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
