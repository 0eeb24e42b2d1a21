//! Snapshots: what a system said at one time.

mod condition;
mod coverage;
#[cfg(feature = "parquet")]
mod files;
mod predicate;
mod provenance;
mod root;

use std::io::Read;
use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_schema::{ArrowError, SchemaRef};
use serde::Serialize;
use serde_json::{Map, Value as Json};
use sha2::{Digest, Sha256};

pub use condition::Condition;
pub use coverage::Coverage;
pub use predicate::Predicate;
pub use provenance::{Consistency, Provenance};
pub use root::{ContentTree, Hash, Proof, hex, leaf_hash, node_hash};

use crate::error::{Error, Kind, Result};
use crate::record::{self, Column, Field, Schema, canonical};

/// An immutable set of records of one resource; cheap to clone.
///
/// Records stand in Arrow batches of one schema. A snapshot also says where it comes from
/// ([`Provenance`]), what it covers ([`Coverage`]) and whether it was taken at one moment
/// ([`Consistency`]).
///
/// ```
/// use trueup_connector::Snapshot;
///
/// #[derive(serde::Serialize)]
/// struct Device { serial: String, os: String }
///
/// let devices = [Device { serial: "A1".into(), os: "14.2".into() }];
/// let snapshot = Snapshot::from_rows(&devices)?;
/// assert_eq!(snapshot.rows(), 1);
/// # Ok::<(), trueup_connector::Error>(())
/// ```
#[derive(Clone)]
pub struct Snapshot(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    schema: Schema,
    arrow: SchemaRef,
    batches: Vec<RecordBatch>,
    provenance: Provenance,
    coverage: Coverage,
    consistency: Consistency,
}

impl std::fmt::Debug for Snapshot {
    /// Names, not values: some may be secret, and there may be millions.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let fields: Vec<&str> = self.schema().names().collect();
        f.debug_struct("Snapshot")
            .field("rows", &self.rows())
            .field("fields", &fields)
            .field("provenance", self.provenance())
            .finish_non_exhaustive()
    }
}

impl Snapshot {
    /// A snapshot of these batches, which must have the same columns of the same types.
    ///
    /// # Errors
    /// `data` for a column name that stands twice, `unsupported` for a type that cannot be
    /// compared, and `data` for a batch whose columns are not those of the schema.
    pub fn new(arrow: SchemaRef, batches: Vec<RecordBatch>) -> Result<Self> {
        let schema = Schema::from_arrow(&arrow)?;
        for (number, batch) in batches.iter().enumerate() {
            check_batch(&arrow, batch).map_err(|error| error.with("batch", number))?;
        }
        let batches = batches.into_iter().filter(|batch| batch.num_rows() > 0).collect();
        let (provenance, coverage, consistency) = Default::default();
        Ok(Self(Arc::new(Inner { schema, arrow, batches, provenance, coverage, consistency })))
    }

    /// A snapshot without records.
    ///
    /// # Errors
    /// As [`Snapshot::new`].
    pub fn empty(schema: &Schema) -> Result<Self> {
        Self::new(schema.to_arrow(), Vec::new())
    }

    /// A snapshot of one batch.
    ///
    /// # Errors
    /// As [`Snapshot::new`].
    pub fn from_batch(batch: RecordBatch) -> Result<Self> {
        Self::new(batch.schema(), vec![batch])
    }

    /// A snapshot of all that a reader gives: an Arrow IPC or C stream, a Parquet reader, …
    ///
    /// # Errors
    /// `data` where the reader fails: a part of a source is never taken for the whole.
    pub fn from_reader(reader: impl RecordBatchReader) -> Result<Self> {
        let arrow = reader.schema();
        let batches = reader.collect::<Result<Vec<_>, ArrowError>>().map_err(unreadable)?;
        Self::new(arrow, batches)
    }

    /// A snapshot of Arrow IPC bytes in the streaming format.
    ///
    /// # Errors
    /// `data` where the bytes are malformed or cut off.
    pub fn from_ipc(bytes: impl Read) -> Result<Self> {
        let reader = arrow_ipc::reader::StreamReader::try_new(bytes, None).map_err(unreadable)?;
        Self::from_reader(reader)
    }

    /// A snapshot of rows of any serde type.
    ///
    /// # Errors
    /// `data` where the rows cannot be made into columns.
    pub fn from_rows<T: Serialize>(rows: &[T]) -> Result<Self> {
        Self::from_batch(record::batch_from_rows(rows)?)
    }

    /// A snapshot of JSON objects; the schema is the narrowest that holds them exactly.
    ///
    /// # Errors
    /// `data`, naming row, column and value.
    pub fn from_json(rows: &[Map<String, Json>]) -> Result<Self> {
        Self::from_json_as(&record::infer_json_schema(rows)?, rows)
    }

    /// A snapshot of JSON objects of a declared schema.
    ///
    /// # Errors
    /// `data`, naming row, column and value.
    pub fn from_json_as(schema: &Schema, rows: &[Map<String, Json>]) -> Result<Self> {
        Self::from_batch(record::batch_from_json(schema, rows)?)
    }

    /// The snapshot with more batches of the same columns; nothing is copied.
    ///
    /// # Errors
    /// `data` for a batch whose columns are not those of the schema.
    pub fn append(&self, batches: &[RecordBatch]) -> Result<Self> {
        batches.iter().try_for_each(|batch| check_batch(&self.0.arrow, batch))?;
        let more = batches.iter().filter(|batch| batch.num_rows() > 0).cloned();
        Ok(self.clone().change(|inner| inner.batches.extend(more)))
    }

    /// Sets where it comes from.
    #[must_use]
    pub fn with_provenance(self, provenance: Provenance) -> Self {
        self.change(|inner| inner.provenance = provenance)
    }

    /// Sets what it covers; without this it is complete.
    #[must_use]
    pub fn with_coverage(self, coverage: Coverage) -> Self {
        self.change(|inner| inner.coverage = coverage)
    }

    /// Sets whether it was taken at one moment.
    #[must_use]
    pub fn with_consistency(self, consistency: Consistency) -> Self {
        self.change(|inner| inner.consistency = consistency)
    }

    /// Sets roles and facts of a field: `|field| field.secret()`.
    ///
    /// # Errors
    /// `invalid` for an unknown field, offering the nearest name, or where `change` gives the field
    /// another type or a name that stands already.
    pub fn with_field(self, name: &str, change: impl FnOnce(Field) -> Field) -> Result<Self> {
        let schema = self.0.schema.with_field(name, change)?;
        if schema.fields().iter().map(|f| &f.ty).ne(self.0.schema.fields().iter().map(|f| &f.ty)) {
            return Err(Error::new(
                Kind::Invalid,
                format!("the type of `{name}` cannot be changed"),
            ));
        }
        let arrow = schema.annotate(&self.0.arrow);
        let batches = self.0.batches.iter().map(|batch| relabel(batch, &arrow));
        let batches = batches.collect::<Result<Vec<_>>>()?;
        Ok(self
            .change(|inner| (inner.schema, inner.arrow, inner.batches) = (schema, arrow, batches)))
    }

    /// The fields.
    pub fn schema(&self) -> &Schema {
        &self.0.schema
    }

    /// The fields as Arrow has them.
    pub fn arrow_schema(&self) -> &SchemaRef {
        &self.0.arrow
    }

    /// The records; no batch is empty.
    pub fn batches(&self) -> &[RecordBatch] {
        &self.0.batches
    }

    /// How many records it has.
    pub fn rows(&self) -> usize {
        self.0.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// Where it comes from.
    pub fn provenance(&self) -> &Provenance {
        &self.0.provenance
    }

    /// What it covers.
    pub fn coverage(&self) -> &Coverage {
        &self.0.coverage
    }

    /// Whether it was taken at one moment.
    pub fn consistency(&self) -> Consistency {
        self.0.consistency
    }

    /// The tree over all records; its root stands for the content.
    ///
    /// It is computed at each call, and takes a hash a record: keep what you need of it.
    ///
    /// # Errors
    /// `invalid` for an unknown key field.
    pub fn content(&self, key: &[&str]) -> Result<ContentTree> {
        let mut leaves = Vec::with_capacity(self.rows());
        for batch in self.batches() {
            let leaf = Leaf::new(&self.0.schema, batch, key)?;
            leaves.extend((0..batch.num_rows()).map(|row| leaf.data(row)));
        }
        Ok(ContentTree::new(leaves))
    }

    /// The leaf bytes of one record, for [`ContentTree::prove`] and [`Proof::verify`].
    ///
    /// # Errors
    /// `invalid` for an unknown key field or a row beyond the end.
    pub fn leaf(&self, key: &[&str], row: usize) -> Result<Vec<u8>> {
        let mut rest = row;
        for batch in self.batches() {
            if rest < batch.num_rows() {
                return Ok(Leaf::new(&self.0.schema, batch, key)?.data(rest));
            }
            rest -= batch.num_rows();
        }
        Err(Error::new(Kind::Invalid, format!("there is no row {row}; there are {}", self.rows())))
    }

    fn change(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }
}

/// What the leaves of one batch are made from.
struct Leaf<'a> {
    key: Vec<Column>,
    columns: Vec<(&'a str, Column)>,
}

impl<'a> Leaf<'a> {
    fn new(schema: &'a Schema, batch: &RecordBatch, key: &[&str]) -> Result<Self> {
        let column = |field: &Field| {
            let index = schema.index(&field.name).unwrap_or(usize::MAX);
            let array = batch.columns().get(index);
            let array = array.ok_or_else(|| Error::new(Kind::Internal, "a column is not there"))?;
            Column::new(array)
        };
        let key = key.iter().map(|name| column(schema.field(name)?)).collect::<Result<_>>()?;
        let open = schema.fields().iter().filter(|field| !field.secret);
        let columns = open.map(|field| Ok((field.name.as_str(), column(field)?)));
        let mut columns = columns.collect::<Result<Vec<_>>>()?;
        canonical::by_name(&mut columns);
        Ok(Self { key, columns })
    }

    fn data(&self, row: usize) -> Vec<u8> {
        let mut key = Vec::new();
        for column in &self.key {
            canonical::frame_with(&mut key, |out| canonical::write_cell(out, &column.cell(row)));
        }
        let columns: Vec<_> = self.columns.iter().map(|(name, c)| (*name, Some(c))).collect();
        let mut data = Vec::new();
        canonical::frame(&mut data, &Sha256::digest(&key));
        canonical::frame_with(&mut data, |out| canonical::write_row(out, &columns, row));
        data
    }
}

fn check_batch(arrow: &SchemaRef, batch: &RecordBatch) -> Result<()> {
    let wrong = |message: String| Err(Error::new(Kind::Data, message));
    if batch.num_columns() != arrow.fields().len() {
        let (got, want) = (batch.num_columns(), arrow.fields().len());
        return wrong(format!("a batch has {got} columns, not the {want} of its schema"));
    }
    for (field, other) in arrow.fields().iter().zip(batch.schema().fields()) {
        if field.name() != other.name() {
            return wrong(format!(
                "a batch has the column `{}` where `{}` belongs",
                other.name(),
                field.name()
            ));
        }
        if field.data_type() != other.data_type() {
            let (got, want) = (other.data_type(), field.data_type());
            return wrong(format!("the column `{}` of a batch is {got}, not {want}", field.name()));
        }
    }
    // Reading the columns once finds values that cannot be represented.
    batch.columns().iter().zip(arrow.fields()).try_for_each(|(array, field)| {
        Column::new(array).map(drop).map_err(|error| error.with("column", field.name()))
    })
}

fn relabel(batch: &RecordBatch, arrow: &SchemaRef) -> Result<RecordBatch> {
    RecordBatch::try_new(arrow.clone(), batch.columns().to_vec())
        .map_err(|error| Error::new(Kind::Internal, error.to_string()))
}

fn unreadable(cause: ArrowError) -> Error {
    Error::new(Kind::Data, format!("the records cannot be read: {cause}")).with_source(cause)
}

#[cfg(test)]
mod tests;
