//! A report as a Parquet table that keeps everything but the records.

use std::io::Write;
use std::panic::{UnwindSafe, catch_unwind};
use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use ::parquet::basic::{Compression, ZstdLevel};
use ::parquet::file::metadata::KeyValue;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::reader::ChunkReader;
use arrow_array::{ArrayRef, FixedSizeBinaryArray, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use arrow_select::concat::concat_batches;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use trueup_connector::record::canonical;
use trueup_connector::{Column, Error, Hash, Kind, Result, hex};

use super::facts::Facts;
use super::verify::stored;
use super::{BATCH, Head, Report};

/// The version of the file's description; a newer one is refused.
const VERSION: u32 = 1;
const DESCRIPTION: &str = "trueup.report";
/// The digest over description and table, against damage and careless edits.
const SEAL: &str = "trueup.seal";
/// The columns after those of the table of findings; where a key column has such a name, it is
/// `finding.<name>`.
pub(super) const EXTRA: [&str; 3] = ["state", "members", "compared"];

#[derive(Serialize, Deserialize)]
struct Description {
    version: u32,
    digest: String,
    head: Head,
    facts: Facts,
}

impl Report {
    /// Writes the Parquet form.
    pub(super) fn write_parquet(&self, out: impl Write + Send) -> Result<()> {
        let mut facts = self.facts();
        let inputs = self.inputs()?;
        let roots = [inputs.expected.content_root(), inputs.actual.content_root()];
        for (side, root) in facts.sides.iter_mut().zip(roots) {
            side.content_root = root.ok().map(|root| hex(&root));
        }
        let (digest, head) = (hex(&self.digest()?), self.head().clone());
        let description = Description { version: VERSION, digest, head, facts };
        let description = serde_json::to_string(&description).map_err(cannot)?;
        let schema = full_schema(&self.findings_schema());
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .build();
        let mut writer =
            ArrowWriter::try_new(out, schema.clone(), Some(properties)).map_err(cannot)?;
        let mut seal = Seal::new(&description);
        let marks = self.marks()?;
        for start in (0..self.len()).step_by(BATCH) {
            let batch = self.full_batch(start, &marks, &schema)?;
            seal.add(&batch)?;
            writer.write(&batch).map_err(cannot)?;
        }
        writer.append_key_value_metadata(KeyValue::new(DESCRIPTION.to_owned(), description));
        writer.append_key_value_metadata(KeyValue::new(SEAL.to_owned(), seal.finish()));
        writer.close().map(drop).map_err(cannot)
    }

    /// Reads the Parquet form.
    pub(super) fn read_parquet(file: impl ChunkReader + UnwindSafe + 'static) -> Result<Self> {
        // The Parquet reader takes the places in a file's metadata as given, and panics at some
        // others.
        let read = catch_unwind(|| Self::read_whole(file));
        read.unwrap_or_else(|_| Err(Error::new(Kind::Data, "this is not a whole Parquet report")))
    }

    fn read_whole(file: impl ChunkReader + 'static) -> Result<Self> {
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(malformed)?;
        let entries = builder.metadata().file_metadata().key_value_metadata();
        let entry = |name: &str| {
            let entry = entries.and_then(|all| all.iter().find(|entry| entry.key == name));
            entry.and_then(|entry| entry.value.clone()).unwrap_or_default()
        };
        let (text, seal) = (entry(DESCRIPTION), entry(SEAL));
        let description = parse(&text)?;
        let schema = plain(builder.schema());
        let reader = builder.build().map_err(malformed)?;
        let batches = reader.collect::<Result<Vec<RecordBatch>, _>>().map_err(malformed)?;
        let table = concat_batches(&schema, &batches).map_err(malformed)?;
        if self::seal(&text, &table)? != seal {
            return Err(Error::new(
                Kind::Data,
                "the file was changed after it was saved: its seal does not fit",
            ));
        }
        let Description { digest, head, facts, .. } = description;
        stored(head, facts, &table, &digest)
    }

    fn full_batch(
        &self,
        start: usize,
        marks: &[(super::FindingId, Hash)],
        schema: &SchemaRef,
    ) -> Result<RecordBatch> {
        let end = (start + BATCH).min(self.len());
        let batch = self.findings_between(start, end)?;
        let states =
            marks.get(start..end).unwrap_or_default().iter().map(|(_, state)| state.as_slice());
        let states = if states.len() == 0 {
            Ok(FixedSizeBinaryArray::new_null(32, 0))
        } else {
            FixedSizeBinaryArray::try_from_iter(states)
        };
        let json =
            |read: fn(&Self, usize) -> Result<Option<serde_json::Value>>| -> Result<ArrayRef> {
                let texts =
                    (start..end).map(|row| Ok(read(self, row)?.map(|json| json.to_string())));
                Ok(Arc::new(texts.collect::<Result<StringArray>>()?))
            };
        let mut columns = batch.columns().to_vec();
        columns.push(Arc::new(states.map_err(cannot)?));
        columns.extend([json(Self::members_json)?, json(Self::compared_json)?]);
        RecordBatch::try_new(schema.clone(), columns).map_err(cannot)
    }
}

fn full_schema(findings: &Schema) -> SchemaRef {
    let taken = |name: &str| findings.fields().iter().any(|field| field.name() == name);
    let name = |name: &str| if taken(name) { format!("finding.{name}") } else { name.to_owned() };
    let [state, members, compared] = EXTRA.map(name);
    let extra = [
        Field::new(state, DataType::FixedSizeBinary(32), false),
        Field::new(members, DataType::Utf8, true),
        Field::new(compared, DataType::Utf8, true),
    ];
    let fields = findings.fields().iter().map(|field| Field::clone(field)).chain(extra);
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// The schema without the file's metadata.
fn plain(schema: &Schema) -> SchemaRef {
    Arc::new(Schema::new(schema.fields().clone()))
}

/// The seal of a file with this description and table.
pub(super) fn seal(description: &str, table: &RecordBatch) -> Result<String> {
    let mut seal = Seal::new(description);
    seal.add(table)?;
    Ok(seal.finish())
}

/// SHA-256 over the description and every cell, row by row.
struct Seal(Sha256, Vec<u8>);

impl Seal {
    fn new(description: &str) -> Self {
        Self(Sha256::new().chain_update(Sha256::digest(description)), Vec::new())
    }

    fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        let columns = batch.columns().iter().map(Column::new).collect::<Result<Vec<_>>>()?;
        for row in 0..batch.num_rows() {
            self.1.clear();
            for column in &columns {
                canonical::frame_with(&mut self.1, |out| {
                    canonical::write_cell(out, &column.cell(row))
                });
            }
            self.0.update(&self.1);
        }
        Ok(())
    }

    fn finish(self) -> String {
        hex(&self.0.finalize())
    }
}

fn parse(text: &str) -> Result<Description> {
    #[derive(Deserialize)]
    struct Version {
        version: u32,
    }
    if text.is_empty() {
        return Err(Error::new(
            Kind::Data,
            "this Parquet file is no report: it was not saved by trueup",
        ));
    }
    let Version { version } = serde_json::from_str(text).map_err(malformed)?;
    if version > VERSION {
        let message = format!(
            "version {version} of the report format is newer than {VERSION}, the newest this version of trueup reads; upgrade trueup"
        );
        return Err(Error::new(Kind::Unsupported, message));
    }
    serde_json::from_str(text).map_err(malformed)
}

fn malformed(cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(Kind::Data, format!("this is not a whole Parquet report: {cause}"))
        .with_source(cause)
}

fn cannot(cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(Kind::Unavailable, format!("the report cannot be written: {cause}"))
        .with_source(cause)
}
