//! What a system said, kept and said again: for tests without the system.

use std::collections::HashMap;
use std::io::{BufRead, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use trueup_connector::{
    Capability, Column, Connector, Context, Coverage, Cursor, Error, Identity, Kind, Page,
    ReadRequest, Removed, Resource, Result, Retry, Schema, Value, Writer, async_trait, record,
};

/// What a system said, question by question; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Tape(Arc<Mutex<Vec<Said>>>);

/// Keeps every answer on a tape.
///
/// It stands next to the system, so that the tape has what the system said and not what other layers
/// made of it. Only questions are kept: what a writer does goes through, and is not on the tape. A
/// resource with secret fields is `unsupported`: the tape would show them.
#[derive(Clone, Debug, Default)]
pub struct RecordLayer {
    tape: Tape,
}

/// A system that says what is on a tape: the same answers to the same questions, in their order.
///
/// It has no writer. A question that is not on the tape, or was answered as often as it is on it, is
/// `not_found`.
#[derive(Debug)]
pub struct Replay {
    identity: Identity,
    capability: Capability,
    answers: HashMap<String, Vec<Answer>>,
    given: Mutex<HashMap<String, usize>>,
}

impl Tape {
    /// Writes the tape as JSON lines.
    ///
    /// # Errors
    /// `unavailable` where `out` fails.
    pub fn write(&self, mut out: impl Write) -> Result<()> {
        for said in self.said().iter() {
            let line = serde_json::to_string(said).map_err(|cause| {
                Error::new(Kind::Internal, "an answer has no JSON form").with_source(cause)
            })?;
            writeln!(out, "{line}").map_err(|cause| {
                Error::new(Kind::Unavailable, "the tape cannot be written").with_source(cause)
            })?;
        }
        Ok(())
    }

    /// Reads a tape.
    ///
    /// # Errors
    /// `data`, naming the line.
    pub fn read(from: impl BufRead) -> Result<Self> {
        let line = |(number, line): (usize, std::io::Result<String>)| {
            let wrong = |cause: &dyn std::fmt::Display| {
                Error::new(Kind::Data, format!("this is no line of a tape: {cause}"))
                    .with("line", number + 1)
            };
            let line = line.map_err(|cause| wrong(&cause))?;
            serde_json::from_str::<Said>(&line).map_err(|cause| wrong(&cause))
        };
        let said = from.lines().enumerate().map(line).collect::<Result<_>>()?;
        Ok(Self(Arc::new(Mutex::new(said))))
    }

    /// The system that says what is on the tape.
    ///
    /// # Errors
    /// `data` for a tape that does not begin with what the system is.
    pub fn replay(&self) -> Result<Replay> {
        let mut said = self.said().clone().into_iter();
        let Some(Said::System { identity, capability }) = said.next() else {
            let message = "the tape does not begin with what the system is";
            return Err(Error::new(Kind::Data, message));
        };
        let mut answers = HashMap::<String, Vec<Answer>>::new();
        for said in said {
            if let Said::Answer { call, answer } = said {
                answers.entry(call).or_default().push(answer);
            }
        }
        Ok(Replay { identity, capability, answers, given: Mutex::default() })
    }

    fn said(&self) -> MutexGuard<'_, Vec<Said>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RecordLayer {
    /// An empty tape.
    pub fn new() -> Self {
        Self::default()
    }

    /// The tape, which goes on growing while the system is asked.
    pub fn tape(&self) -> Tape {
        self.tape.clone()
    }

    /// The same system, with its answers kept.
    pub fn wrap(&self, inner: Arc<dyn Connector>) -> Arc<dyn Connector> {
        let system = Said::System { identity: inner.identity(), capability: inner.capability() };
        self.tape.said().push(system);
        Arc::new(Recorded { tape: self.tape.clone(), inner })
    }
}

/// One line of a tape.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Said {
    System { identity: Identity, capability: Capability },
    Answer { call: String, answer: Answer },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Answer {
    Resources(Vec<Resource>),
    Fine,
    Page(Box<Written>),
    Failed { kind: String, message: String, retry_ms: Option<u64>, again: bool },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    schema: Schema,
    rows: Vec<Vec<Value>>,
    removed: Vec<Removed>,
    next: Option<Cursor>,
    resume: Option<Cursor>,
    coverage: Coverage,
}

impl Written {
    fn of(page: &Page) -> Result<Self> {
        let schema = Schema::from_arrow(&page.records.schema())?;
        if let Some(secret) = schema.fields().iter().find(|field| field.secret) {
            return Err(withheld(&secret.name));
        }
        let columns = page.records.columns().iter().map(Column::new).collect::<Result<Vec<_>>>()?;
        let row = |row| columns.iter().map(|column| column.value(row)).collect();
        let rows = (0..page.records.num_rows()).map(row).collect();
        let Page { removed, next, resume, coverage, .. } = page.clone();
        Ok(Self { schema, rows, removed, next, resume, coverage })
    }

    fn page(self) -> Result<Page> {
        let records = record::batch_from_values(&self.schema, &self.rows)?;
        let page = Page::new(records).with_next(self.next).with_resume(self.resume);
        Ok(page.with_removed(self.removed).with_coverage(self.coverage))
    }
}

impl Answer {
    fn failed(error: &Error) -> Self {
        let (retry_ms, again) = match error.retry() {
            Retry::Never => (None, false),
            Retry::After(time) => (u64::try_from(time.as_millis()).ok(), true),
            _ => (None, true),
        };
        let (kind, message) = (error.kind().name().to_owned(), error.to_string());
        Self::Failed { kind, message, retry_ms, again }
    }

    /// The error that it is; any other answer is not one to this question.
    fn error(self) -> Error {
        let Self::Failed { kind, message, retry_ms, again } = self else {
            return Error::new(Kind::Data, "the tape has an answer to another question");
        };
        let kind = Kind::ALL.into_iter().find(|known| known.name() == kind);
        let retry = match (again, retry_ms) {
            (false, _) => Retry::Never,
            (true, None) => Retry::Backoff,
            (true, Some(millis)) => Retry::After(Duration::from_millis(millis)),
        };
        Error::new(kind.unwrap_or(Kind::Data), message).with_retry(retry)
    }
}

#[derive(Debug)]
struct Recorded {
    tape: Tape,
    inner: Arc<dyn Connector>,
}

impl Recorded {
    fn keep<T>(
        &self,
        call: String,
        outcome: Result<T>,
        answer: impl FnOnce(&T) -> Result<Answer>,
    ) -> Result<T> {
        let answer = match &outcome {
            Ok(value) => answer(value)?,
            Err(error) => Answer::failed(error),
        };
        self.tape.said().push(Said::Answer { call, answer });
        outcome
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Connector for Recorded {
    fn identity(&self) -> Identity {
        self.inner.identity()
    }

    fn capability(&self) -> Capability {
        self.inner.capability()
    }

    async fn describe(&self, context: Context) -> Result<Vec<Resource>> {
        let outcome = self.inner.describe(context).await;
        self.keep(DESCRIBE.into(), outcome, |it| Ok(Answer::Resources(it.clone())))
    }

    async fn check(&self, context: Context) -> Result<()> {
        let outcome = self.inner.check(context).await;
        self.keep(CHECK.into(), outcome, |()| Ok(Answer::Fine))
    }

    async fn read_page(&self, context: Context, request: ReadRequest) -> Result<Page> {
        let call = named(&request)?;
        let outcome = self.inner.read_page(context, request).await;
        self.keep(call, outcome, |page| Ok(Answer::Page(Box::new(Written::of(page)?))))
    }

    fn writer(&self) -> Option<Arc<dyn Writer>> {
        self.inner.writer()
    }
}

impl Replay {
    fn answer(&self, call: &str) -> Result<Answer> {
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        let times = given.entry(call.to_owned()).or_default();
        let answer = self.answers.get(call).and_then(|answers| answers.get(*times)).cloned();
        *times += 1;
        answer.ok_or_else(|| {
            let message =
                format!("the tape has no answer number {times} to `{call}`; record it again");
            Error::new(Kind::NotFound, message)
        })
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Connector for Replay {
    fn identity(&self) -> Identity {
        self.identity.clone()
    }

    fn capability(&self) -> Capability {
        self.capability.clone()
    }

    async fn describe(&self, _: Context) -> Result<Vec<Resource>> {
        match self.answer(DESCRIBE)? {
            Answer::Resources(resources) => Ok(resources),
            other => Err(other.error()),
        }
    }

    async fn check(&self, _: Context) -> Result<()> {
        match self.answer(CHECK)? {
            Answer::Fine => Ok(()),
            other => Err(other.error()),
        }
    }

    async fn read_page(&self, _: Context, request: ReadRequest) -> Result<Page> {
        match self.answer(&named(&request)?)? {
            Answer::Page(page) => page.page(),
            other => Err(other.error()),
        }
    }

    fn writer(&self) -> Option<Arc<dyn Writer>> {
        None
    }
}

const DESCRIBE: &str = "describe";
const CHECK: &str = "check";

fn named(request: &ReadRequest) -> Result<String> {
    let text = serde_json::to_string(request).map_err(|cause| {
        Error::new(Kind::Internal, "a request has no JSON form").with_source(cause)
    })?;
    Ok(format!("read_page {text}"))
}

fn withheld(field: &str) -> Error {
    let message =
        format!("the field `{field}` is secret, and a tape would show it; leave the field out");
    Error::new(Kind::Unsupported, message)
}
