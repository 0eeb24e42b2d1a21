//! A resource whose records the suite may change, and changes of it.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use trueup_connector::writer::executor::authorise;
use trueup_connector::{
    Change, Context, Error, Field, Idempotency, Operation, Receipt, Resource, Result as Outcome,
    Role, Value, Writer,
};

use super::reading::{at, request, walk};
use super::rows::{Row, difference, key_of, truth_of};
use super::{Broken, Promise, Subject};

/// Hands changes to a writer without plan, decision or journal: for tests of writers, and for
/// nothing else.
///
/// # Errors
/// Those of [`Writer::apply`].
pub async fn apply_unguarded(
    writer: &dyn Writer,
    context: Context,
    changes: Vec<Change>,
) -> Outcome<Vec<Receipt>> {
    writer.apply(context, authorise(changes)).await
}

/// A resource whose records the suite may change.
pub(super) struct Target<'a> {
    pub(super) writer: Arc<dyn Writer>,
    pub(super) resource: Resource,
    subject: &'a Subject,
    promise: Promise,
    /// Records that can be made.
    fresh: Vec<Row>,
    /// Tells the idempotency keys of this target from all others.
    stamp: u64,
    changes: AtomicU64,
}

/// How long a pending change may be left alone, whatever the writer says.
const LONGEST_CHECK: Duration = Duration::from_secs(5);
/// How many records that can be made a subject has to bring along.
pub(super) const FRESH: usize = 4;

impl<'a> Target<'a> {
    /// The resource that the subject's author gave; `None` where the connector only reads.
    pub(super) async fn of(subject: &'a Subject, promise: Promise) -> Result<Option<Self>, Broken> {
        let Some(writer) = subject.connector().writer() else {
            return match subject.writes() {
                None => Ok(None),
                Some(_) => Err(promise.broken("the subject is to be written, and has no writer")),
            };
        };
        let Some((name, fresh)) = subject.writes() else {
            let detail = "the connector can write, and the subject does not say what may be changed; \
                give it `with_writes`";
            return Err(promise.broken(detail));
        };
        let described = super::described::resources(subject, promise).await?;
        let resource = described.into_iter().find(|resource| resource.name == *name);
        let resource = resource
            .ok_or_else(|| promise.broken(format!("the resource `{name}` is not described")))?;
        let fresh = truth_of(fresh, &resource.schema);
        let fresh = fresh.map_err(|error| at(promise, &resource, &error.to_string()))?;
        let stamp = RandomState::new().build_hasher().finish();
        let changes = AtomicU64::new(0);
        let target = Self { writer, resource, subject, promise, fresh, stamp, changes };
        target.check_fresh().await?;
        Ok(Some(target))
    }

    async fn check_fresh(&self) -> Result<(), Broken> {
        let there = self.state().await?;
        let enough = self.fresh.len() >= FRESH;
        let is_new = |row: &Row| !there.iter().any(|other| self.same_key(row, other));
        match enough && self.fresh.iter().all(is_new) && !self.resource.schema.key().is_empty() {
            true => Ok(()),
            false => {
                let detail = format!(
                    "`with_writes` needs a resource with a key, and {FRESH} records of it that are \
                     not there yet"
                );
                Err(self.broken(&detail))
            }
        }
    }

    /// A record that can be made.
    pub(super) fn fresh(&self, number: usize) -> Result<&Row, Broken> {
        self.fresh.get(number).ok_or_else(|| self.broken("there are too few records to make"))
    }

    /// Tells this target's changes from all others.
    #[cfg(feature = "executor")]
    pub(super) fn stamp(&self) -> u64 {
        self.stamp
    }

    /// Whether this is a record that the suite makes.
    #[cfg(feature = "executor")]
    pub(super) fn is_fresh(&self, row: &Row) -> bool {
        self.fresh.iter().any(|fresh| self.same_key(fresh, row))
    }

    /// What a whole reading says it covers.
    #[cfg(feature = "executor")]
    pub(super) async fn coverage(&self) -> Result<trueup_connector::Coverage, Broken> {
        let reading = walk(self.subject, &self.resource, request(&self.resource, None)).await;
        reading.map(|it| it.coverage()).map_err(|broken| self.broken(&broken.detail))
    }

    pub(super) fn broken(&self, detail: &str) -> Broken {
        at(self.promise, &self.resource, detail)
    }

    pub(super) fn idempotency(&self, operation: &Operation) -> Idempotency {
        self.writer.idempotency(&self.resource.name, operation)
    }

    /// The values of a record's key.
    pub(super) fn key(&self, row: &Row) -> Vec<Value> {
        self.resource.schema.key().into_iter().map(|name| row.field(name)).collect()
    }

    pub(super) fn same_key(&self, a: &Row, b: &Row) -> bool {
        key_of(self.key(a)) == key_of(self.key(b))
    }

    /// The fields that can be set and are no key.
    pub(super) fn settable(&self) -> impl Iterator<Item = &Field> {
        let fields = self.resource.schema.fields().iter();
        fields.filter(|field| field.writable && field.role == Role::Data)
    }

    fn change(&self, operation: Operation, row: &Row) -> Change {
        let mut change = Change::new(&self.resource.name, operation, self.key(row));
        let number = self.changes.fetch_add(1, Ordering::Relaxed);
        change.idempotency_key = format!("conformance-{:016x}-{number}", self.stamp);
        change
    }

    /// Makes this record.
    pub(super) fn create(&self, row: &Row) -> Change {
        let mut change = self.change(Operation::Create, row);
        let fields = self.resource.schema.fields().iter();
        let set = fields.filter(|f| f.writable && matches!(f.role, Role::Data | Role::Key));
        change.after = set.map(|field| (field.name.clone(), row.field(&field.name))).collect();
        change
    }

    /// Sets fields of this record, which is as it was read.
    pub(super) fn update(&self, row: &Row, after: Vec<(String, Value)>) -> Change {
        let mut change = self.on(Operation::Update, row);
        change.after = after;
        change
    }

    /// Removes this record, which is as it was read.
    pub(super) fn delete(&self, row: &Row) -> Change {
        self.on(Operation::Delete, row)
    }

    fn on(&self, operation: Operation, row: &Row) -> Change {
        let mut change = self.change(operation, row);
        for field in self.resource.schema.fields() {
            let value = row.field(&field.name);
            let text = Some(value.to_string()).filter(|_| !value.is_null());
            match field.role {
                Role::Id => change.id = text,
                Role::Version => change.version = text,
                _ => change.before.push((field.name.clone(), value)),
            }
        }
        change
    }

    /// The values of another record for the fields that can be set, where they differ.
    pub(super) fn values_of(&self, other: &Row, than: &Row) -> Vec<(String, Value)> {
        let fields = self.settable().map(|field| (field.name.clone(), other.field(&field.name)));
        fields.filter(|(name, value)| than.field(name) != *value).collect()
    }

    /// Sends changes, and waits for what is pending; one receipt a change.
    pub(super) async fn apply(&self, changes: &[Change]) -> Result<Vec<Receipt>, Broken> {
        let given = apply_unguarded(&*self.writer, Context::new(), changes.to_vec()).await;
        let given = given.map_err(|error| {
            self.broken(&format!("a call on a sound system is an error: {error:?}"))
        })?;
        if given.len() != changes.len() {
            let detail = format!("{} changes have {} receipts", changes.len(), given.len());
            return Err(self.broken(&detail));
        }
        let mut receipts = Vec::with_capacity(given.len());
        for receipt in given {
            receipts.push(self.settled(receipt).await?);
        }
        self.wait(changes).await;
        Ok(receipts)
    }

    /// Sends one change, and waits for it.
    pub(super) async fn apply_one(&self, change: &Change) -> Result<Receipt, Broken> {
        let receipts = self.apply(std::slice::from_ref(change)).await?;
        receipts.into_iter().next().ok_or_else(|| self.broken("there is no receipt"))
    }

    /// Sends changes that must all be done.
    pub(super) async fn does(&self, changes: &[Change]) -> Result<(), Broken> {
        let receipts = self.apply(changes).await?;
        let wrong = receipts.iter().zip(changes).find(|(r, _)| !matches!(r, Receipt::Done { .. }));
        match wrong {
            None => Ok(()),
            Some((receipt, change)) => Err(self.broken(&format!(
                "a {:?} whose precondition holds is {receipt:?}, not `done`",
                change.operation
            ))),
        }
    }

    async fn settled(&self, mut receipt: Receipt) -> Result<Receipt, Broken> {
        while let Receipt::Pending { handle, check_after } = receipt {
            tokio::time::sleep(check_after.min(LONGEST_CHECK)).await;
            let asked = self.writer.status(Context::new(), handle.clone()).await;
            receipt = asked.map_err(|error: Error| {
                self.broken(&format!("the status of `{handle}` is an error: {error:?}"))
            })?;
        }
        Ok(receipt)
    }

    /// Waits until changes can be read back.
    async fn wait(&self, changes: &[Change]) {
        let settles = changes.iter().filter_map(|c| match self.idempotency(&c.operation) {
            Idempotency::ReadBack { settle } => Some(settle),
            _ => None,
        });
        if let Some(settle) = settles.max() {
            tokio::time::sleep(settle).await;
        }
    }

    /// All records, as they are read now.
    pub(super) async fn state(&self) -> Result<Vec<Row>, Broken> {
        let reading = walk(self.subject, &self.resource, request(&self.resource, None)).await;
        reading.map(|reading| reading.rows).map_err(|broken| self.broken(&broken.detail))
    }

    /// The one record with the key of this one, as it is read now.
    pub(super) async fn read(&self, row: &Row) -> Result<Row, Broken> {
        self.one_of(&self.state().await?, row)
    }

    /// The one record of these with the key of this one.
    pub(super) fn one_of(&self, state: &[Row], row: &Row) -> Result<Row, Broken> {
        let mut found = state.iter().filter(|other| self.same_key(row, other));
        match (found.next(), found.next()) {
            (Some(found), None) => Ok(found.clone()),
            (None, _) => Err(self.broken(&format!("{row} was made, and is not there"))),
            (Some(_), Some(_)) => Err(self.broken(&format!("{row} was made, and is there twice"))),
        }
    }

    /// Makes a record, and gives it as it is read.
    pub(super) async fn made(&self, number: usize) -> Result<Row, Broken> {
        let fresh = self.fresh(number)?;
        self.does(&[self.create(fresh)]).await?;
        self.read(fresh).await
    }

    /// Checks that the records are still these.
    pub(super) async fn unchanged(&self, before: &[Row], when: &str) -> Result<(), Broken> {
        match difference(&self.state().await?, before, false) {
            None => Ok(()),
            Some(detail) => Err(self.broken(&format!("{when}, the records are others: {detail}"))),
        }
    }
}
