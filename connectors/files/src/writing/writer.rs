//! The writer: each file of a call is written once, with all its changes.

use std::fmt;
use std::sync::Arc;

use arrow_select::concat::concat_batches;
use trueup_connector::{
    Authorised, Change, Context, Error, Idempotency, Kind, Operation, Receipt, Result, Schema,
    Standing, Writer, async_trait,
};

use super::columnar;
use super::draft::Draft;
use super::place::Locked;
use super::text::Digits;
use crate::config::{Compression, FileSettings, Format, Settings};
use crate::layout::Layout;
use crate::resources::{Entry, Resources};
use crate::task::{Stop, offload};
use crate::{csv, json, source};

/// Writes files.
pub(crate) struct FilesWriter(pub(crate) Arc<Resources>);

#[async_trait]
impl Writer for FilesWriter {
    fn idempotency(&self, _: &str, operation: &Operation) -> Idempotency {
        match operation {
            Operation::Create | Operation::Update | Operation::Delete => Idempotency::Conditional,
            _ => Idempotency::AtMostOnce,
        }
    }

    async fn apply(&self, context: Context, changes: Authorised) -> Result<Vec<Receipt>> {
        if let Err(error) = context.check() {
            return Ok(changes.changes().iter().map(|_| Receipt::Refused(again(&error))).collect());
        }
        let inner = self.0.clone();
        offload(context, move |stop| Ok(apply(&inner, stop, changes.changes()))).await
    }

    async fn status(&self, context: Context, handle: String) -> Result<Receipt> {
        context.check()?;
        let message = format!("`{handle}` is no change of a file: none of them is ever pending");
        Err(Error::new(Kind::NotFound, message))
    }
}

impl fmt::Debug for FilesWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FilesWriter").field(&self.0).finish()
    }
}

/// One receipt a change, file by file.
fn apply(resources: &Resources, stop: &Stop, changes: &[Change]) -> Vec<Receipt> {
    let mut receipts: Vec<Option<Receipt>> = changes.iter().map(|_| None).collect();
    for (at, change) in changes.iter().enumerate() {
        if receipts.get(at).is_none_or(Option::is_some) {
            continue;
        }
        let same =
            changes.iter().enumerate().filter(|(_, other)| other.resource == change.resource);
        let (places, group): (Vec<usize>, Vec<&Change>) = same.unzip();
        let given = write(resources, stop, &change.resource, &group);
        for (place, receipt) in places.into_iter().zip(given) {
            if let Some(slot) = receipts.get_mut(place) {
                *slot = Some(receipt);
            }
        }
    }
    let lost = || Receipt::Unknown(Error::new(Kind::Internal, "a receipt is lost"));
    receipts.into_iter().map(|receipt| receipt.unwrap_or_else(lost)).collect()
}

/// Writes the changes of one file together; where they cannot all be written, one by one.
fn write(resources: &Resources, stop: &Stop, name: &str, changes: &[&Change]) -> Vec<Receipt> {
    let entry = match resources.entry(name) {
        Ok(entry) => entry,
        Err(error) => return refuse(changes, &error),
    };
    let work = Work { resources, entry, stop };
    let locked = match Locked::wait(&entry.file, stop) {
        Ok(locked) => locked,
        Err(error) => return refuse(changes, &error),
    };
    let together = work.write(&locked, changes);
    if changes.len() == 1 || !together.iter().any(|r| matches!(r, Outcome::Together(_))) {
        return together.into_iter().map(Outcome::receipt).collect();
    }
    let alone = changes.iter().flat_map(|change| work.write(&locked, &[*change]));
    alone.map(Outcome::receipt).collect()
}

/// What became of a change.
enum Outcome {
    Known(Receipt),
    /// The file as it would be is no good, for this change or another of the call.
    Together(Error),
}

impl Outcome {
    fn receipt(self) -> Receipt {
        match self {
            Self::Known(receipt) => receipt,
            Self::Together(error) => Receipt::Failed(error),
        }
    }
}

/// One file that is written.
struct Work<'a> {
    resources: &'a Resources,
    entry: &'a Entry,
    stop: &'a Stop,
}

impl Work<'_> {
    fn write(&self, locked: &Locked, changes: &[&Change]) -> Vec<Outcome> {
        let (layout, mut draft) = match self.draft() {
            Ok(draft) => draft,
            Err(error) => {
                return refuse(changes, &error).into_iter().map(Outcome::Known).collect();
            }
        };
        let receipts: Vec<Receipt> =
            changes.iter().map(|c| take(&mut draft, c, self.entry)).collect();
        let instead = |receipts: Vec<Receipt>, make: &dyn Fn() -> Outcome| {
            let outcome = |receipt| match receipt {
                Receipt::Done { .. } => make(),
                other => Outcome::Known(other),
            };
            receipts.into_iter().map(outcome).collect()
        };
        if draft.is_untouched() {
            return receipts.into_iter().map(Outcome::Known).collect();
        }
        if let Err(error) = self.prepare(locked, &layout, &draft) {
            return instead(receipts, &|| Outcome::Together(again(&error)));
        }
        let replaced =
            self.stop.check().and_then(|()| locked.replace(&self.entry.file, layout.stamp));
        if let Err(error) = replaced {
            return instead(receipts, &|| Outcome::Known(Receipt::Refused(again(&error))));
        }
        match locked.settle() {
            Ok(()) => receipts.into_iter().map(Outcome::Known).collect(),
            Err(error) => instead(receipts, &|| Outcome::Known(Receipt::Unknown(again(&error)))),
        }
    }

    /// The records as they are.
    fn draft(&self) -> Result<(Arc<Layout>, Draft)> {
        source::check_writable(&self.entry.file)?;
        let records = self.resources.read_all(self.stop, &self.entry.name)?;
        let layout = self.resources.layout(self.entry, self.stop)?;
        let draft = Draft::new(layout.schema.clone(), layout.arrow.clone(), records.batches())?;
        Ok((layout, draft))
    }

    /// Makes the new file; where types are inferred, in the way that leaves them as they are.
    fn prepare(&self, locked: &Locked, layout: &Layout, draft: &Draft) -> Result<()> {
        let all = self.prepare_with(locked, layout, draft, Digits::All);
        match self.entry.format {
            Format::Csv | Format::Json | Format::JsonLines if all.is_err() => {
                self.prepare_with(locked, layout, draft, Digits::Needed)
            }
            _ => all,
        }
    }

    /// Makes the new file, and reads it back: it must have exactly the records of the draft.
    fn prepare_with(
        &self,
        locked: &Locked,
        layout: &Layout,
        draft: &Draft,
        digits: Digits,
    ) -> Result<()> {
        let file = &self.entry.file;
        let want = draft.result()?;
        let (bytes, packed) = match self.entry.format {
            Format::Csv => {
                let (mark, text) = source::whole(file)?;
                let text = csv::rewrite(file, layout, &text, draft, digits)?;
                ([mark, text].concat(), file.compression())
            }
            Format::Json | Format::JsonLines => {
                let (mark, text) = source::whole(file)?;
                let text = json::rewrite(self.entry.format, &layout.schema, &text, draft, digits)?;
                ([mark, text].concat(), file.compression())
            }
            Format::Parquet => (columnar::parquet(file, &want)?, Compression::None),
            Format::Arrow => (columnar::arrow(file, &want)?, file.compression()),
        };
        locked.prepare(&bytes, packed, layout.stamp)?;
        let new = FileSettings { path: locked.new.clone(), ..self.settings()? };
        let (name, settings) = (self.entry.name.as_str(), Settings::default().with_file(new));
        let read = Resources::new(settings)?.read_all(self.stop, name)?;
        same_columns(&layout.schema, read.schema())?;
        let got = concat_batches(&layout.arrow, read.batches());
        match got {
            Ok(got) if got.columns() == want.columns() => Ok(()),
            _ => {
                let message = "the values would be read back as others in this format; the file was left as it is";
                Err(Error::new(Kind::Data, message))
            }
        }
    }

    /// The settings, with all that the file's name says said in words.
    fn settings(&self) -> Result<FileSettings> {
        let file = &self.entry.file;
        let mut settings = file.clone();
        settings.name = Some(self.entry.name.clone());
        settings.format = Some(file.format()?);
        settings.compression = Some(file.compression());
        settings.csv.delimiter = Some(file.delimiter());
        Ok(settings)
    }
}

/// Fails where the columns of the new file would not be those of the old one.
fn same_columns(old: &Schema, new: &Schema) -> Result<()> {
    for field in old.fields() {
        let Ok(read) = new.field(&field.name) else {
            let message = "the column would be gone; declare the columns with `schema`";
            return Err(Error::new(Kind::Data, message).with("column", &field.name));
        };
        if read.ty != field.ty {
            let (read, ty) = (&read.ty, &field.ty);
            let message =
                format!("the column would be read as {read} instead of {ty}; declare its type");
            return Err(Error::new(Kind::Data, message).with("column", &field.name));
        }
    }
    match old == new {
        true => Ok(()),
        false => {
            let message = "the columns would be read in another order; declare them with `schema`";
            Err(Error::new(Kind::Data, message))
        }
    }
}

fn take(draft: &mut Draft, change: &Change, entry: &Entry) -> Receipt {
    let at = |error: Error| error.with("resource", &entry.name);
    if let Err(error) = change.check(&draft.schema) {
        return Receipt::Refused(at(error));
    }
    match draft.take(change) {
        Ok(Standing::Stale) => Receipt::Stale,
        Ok(_) => Receipt::Done { id: None, version: None },
        Err(error) => Receipt::Failed(at(error)),
    }
}

fn refuse(changes: &[&Change], error: &Error) -> Vec<Receipt> {
    changes.iter().map(|_| Receipt::Refused(again(error))).collect()
}

fn again(error: &Error) -> Error {
    Error::new(error.kind(), error.to_string()).with_retry(error.retry())
}
