//! Connectors written in JavaScript: called on Node's thread, answered by value or by promise.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use napi::Status;
use napi::bindgen_prelude::{ClassInstance, Unknown};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;
use serde_json::{Value as Json, json};
use tokio::sync::oneshot::{Receiver, Sender, channel};
use trueup::{Context, Error, Kind, Page, ReadRequest, Resource, Result, Retry, async_trait};
use trueup_bindings::given;
use trueup_bindings::page::{Host, PageFacts};
use trueup_bindings::write::HostWriter;

use crate::errors::caught;
use crate::records::{Given, Records};
use crate::wire;

/// What calls are posted to: weak, so that it alone keeps no process running. It needs no bound, since
/// whoever calls waits for the answer before it makes the next call.
pub(crate) type Post = ThreadsafeFunction<Call, Unknown<'static>, Call, Status, false, true>;

/// So many cells are converted in less time than another thread takes to begin.
const FEW: usize = 32_768;

/// One call of JavaScript, and where its answer goes.
#[napi]
pub struct Call {
    number: u32,
    method: &'static str,
    request: String,
    reply: Arc<Reply>,
}

/// Where an answer goes, once.
#[derive(Default)]
struct Reply(Mutex<Option<Sender<Outcome>>>);

type Outcome = Result<Answer>;

/// What JavaScript answers: data as JSON, records, and a connector.
pub(crate) struct Answer {
    pub(crate) said: String,
    pub(crate) records: Vec<Given>,
    pub(crate) host: Option<JsHost>,
}

#[napi]
impl Call {
    /// The call's number.
    #[napi(getter)]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The method's name; `cancel` where nobody waits any more for the answer to this number.
    #[napi(getter)]
    pub fn method(&self) -> &'static str {
        self.method
    }

    /// The request, as JSON.
    #[napi(getter)]
    pub fn request(&self) -> String {
        self.request.clone()
    }

    /// Answers with data; with the records that belong to it, and with a connector.
    #[napi]
    pub fn answer(
        &self,
        said: String,
        records: Option<Vec<ClassInstance<'_, Records>>>,
        #[napi(ts_arg_type = "((call: Call) => void) | undefined | null")] host: Option<Post>,
    ) {
        let records = records.iter().flatten().map(|records| records.given()).collect();
        let answer = |records| Answer { said, records, host: host.map(JsHost::new) };
        self.reply.send(Result::map(records, answer));
    }

    /// Answers with an exception; after how many seconds to call again, where it says so.
    #[napi]
    pub fn fail(
        &self,
        kind: String,
        message: String,
        retry_after: Option<f64>,
        exception: Unknown<'_>,
    ) {
        let exception = napi::Error::from_unknown_without_coercion(exception);
        let error = caught(&kind, message, exception);
        let wait = retry_after.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        self.reply.send(Err(match wait {
            Some(wait) => error.with_retry(Retry::After(wait)),
            None => error,
        }));
    }
}

impl Reply {
    fn send(&self, answer: Outcome) {
        if let Some(sender) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // Whoever asked may have given up.
            sender.send(answer).ok();
        }
    }
}

/// An object of JavaScript, as the function that calls its methods.
#[derive(Clone)]
pub(crate) struct JsHost(Arc<Post>);

impl fmt::Debug for JsHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JsHost")
    }
}

impl JsHost {
    pub(crate) fn new(post: Post) -> Self {
        Self(Arc::new(post))
    }

    async fn call(&self, method: &'static str, request: String) -> Result<Answer> {
        let (number, answer) = self.ask(method, request)?;
        let waiting = Waiting { host: self, number, over: false };
        let answer = answer.await.map_err(|_| closing())?;
        waiting.end();
        answer
    }

    /// Calls, and holds up the thread until the answer is there: never Node's own.
    pub(crate) fn call_blocking(&self, method: &'static str, request: String) -> Result<Answer> {
        let (_, answer) = self.ask(method, request)?;
        answer.blocking_recv().map_err(|_| closing())?
    }

    fn ask(&self, method: &'static str, request: String) -> Result<(u32, Receiver<Outcome>)> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let (sender, answer) = channel();
        let reply = Arc::new(Reply(Mutex::new(Some(sender))));
        self.post(Call { number, method, request, reply })?;
        Ok((number, answer))
    }

    fn post(&self, call: Call) -> Result<()> {
        let reply = call.reply.clone();
        let mode = ThreadsafeFunctionCallMode::NonBlocking;
        let status = self.0.call_with_return_value(call, mode, move |returned, _| {
            // The TypeScript half catches what is thrown; what it throws itself comes here.
            if let Err(exception) = returned {
                let message = format!("JavaScript cannot be called: {}", exception.reason);
                reply.send(Err(caught("internal", message, exception)));
            }
            Ok(())
        });
        if status == Status::Ok { Ok(()) } else { Err(closing()) }
    }
}

/// Tells the connector where its answer is no longer waited for.
struct Waiting<'a> {
    host: &'a JsHost,
    number: u32,
    over: bool,
}

impl Waiting<'_> {
    fn end(mut self) {
        self.over = true;
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if !self.over {
            let (request, reply) = Default::default();
            let call = Call { number: self.number, method: "cancel", request, reply };
            // Where Node is shutting down nobody is left to tell.
            self.host.post(call).ok();
        }
    }
}

#[async_trait]
impl Host for JsHost {
    async fn describe(&self, _: Context) -> Result<Json> {
        let answer = self.call("describe", String::new()).await?;
        wire::read(&answer.said, "the connector's description")
    }

    async fn check(&self, _: Context) -> Result<()> {
        self.call("check", String::new()).await.map(drop)
    }

    async fn read_page(
        &self,
        context: Context,
        request: ReadRequest,
        resource: &Resource,
    ) -> Result<Page> {
        let answer = self.call("readPage", said(&request)).await?;
        let facts = PageFacts::from_json(wire::read(&answer.said, "the connector's page")?)?;
        let given = answer.records.into_iter().next();
        let given = given.ok_or_else(|| Error::new(Kind::Protocol, "a page has no `records`"))?;
        let (few, given) = (given.cells() <= FEW, given.of_schema(&resource.schema));
        let build = move || given::one_batch(&given.resolve(&context)?);
        let records = match few {
            true => build(),
            // So much would hold up a worker of the runtime.
            false => tokio::task::spawn_blocking(build).await.unwrap_or_else(|cause| {
                let message = format!("a page cannot be taken over: {cause}");
                Err(Error::new(Kind::Internal, message))
            }),
        };
        Ok(facts.page(records?))
    }

    fn writer(&self) -> Option<Box<dyn HostWriter>> {
        Some(Box::new(self.clone()))
    }
}

#[async_trait]
impl HostWriter for JsHost {
    async fn apply(&self, _: Context, changes: Json) -> Result<Json> {
        let answer = self.call("apply", wire::values(changes)).await?;
        wire::read(&answer.said, "the connector's receipts")
    }

    async fn status(&self, _: Context, handle: String) -> Result<Json> {
        let answer = self.call("status", json!(handle).to_string()).await?;
        wire::read(&answer.said, "the connector's receipt")
    }
}

fn said(request: &ReadRequest) -> String {
    let said = json!({
        "resource": request.resource,
        "cursor": request.cursor,
        "since": request.since,
        "pageSize": request.page_size,
    });
    said.to_string()
}

fn closing() -> Error {
    Error::new(Kind::Cancelled, "Node is shutting down; nothing of JavaScript is called any more")
}
