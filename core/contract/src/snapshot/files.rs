//! Snapshots as Parquet files.

use std::fs::File;
use std::panic::catch_unwind;
use std::path::Path;

use arrow_array::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use serde::{Deserialize, Serialize};

use super::{Consistency, Coverage, Provenance, Snapshot};
use crate::error::{Error, Kind, Result};

/// The version of the file's description; a newer one is refused.
const VERSION: u32 = 1;
const DESCRIPTION: &str = "trueup.snapshot";

#[derive(Serialize, Deserialize)]
struct Description {
    version: u32,
    provenance: Provenance,
    coverage: Coverage,
    consistency: Consistency,
}

impl Snapshot {
    /// Saves the snapshot as a Parquet file that any tool can read; secret fields are saved too, as
    /// they are what a later comparison needs.
    ///
    /// The file is written beside its place and moved there when it is whole.
    ///
    /// # Errors
    /// `unavailable` where the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let part = path.with_extension("part");
        let done = self.write(&part).and_then(|()| std::fs::rename(&part, path).map_err(cannot));
        done.inspect_err(|_| drop(std::fs::remove_file(&part)))
            .map_err(|e| e.with("file", path.display()))
    }

    /// Loads a snapshot saved by [`Snapshot::save`], or any Parquet file as a complete snapshot.
    ///
    /// # Errors
    /// `not_found`, `data` where the file is malformed, `unsupported` where a newer version of
    /// trueup wrote it.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        read(path).map_err(|error| error.with("file", path.display()))
    }

    fn write(&self, path: &Path) -> Result<()> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_key_value_metadata(Some(vec![self.describe()?]))
            .build();
        let file = File::create(path).map_err(cannot)?;
        let schema = self.arrow_schema().clone();
        let mut writer = ArrowWriter::try_new(file, schema, Some(properties)).map_err(cannot)?;
        self.batches().iter().try_for_each(|batch| writer.write(batch)).map_err(cannot)?;
        writer.close().map(drop).map_err(cannot)
    }

    fn describe(&self) -> Result<KeyValue> {
        let description = Description {
            version: VERSION,
            provenance: self.provenance().clone(),
            coverage: self.coverage().clone(),
            consistency: self.consistency(),
        };
        let text = serde_json::to_string(&description).map_err(cannot)?;
        Ok(KeyValue::new(DESCRIPTION.to_owned(), text))
    }
}

fn read(path: &Path) -> Result<Snapshot> {
    let file = File::open(path).map_err(|cause| match cause.kind() {
        std::io::ErrorKind::NotFound => Error::new(Kind::NotFound, "there is no such file"),
        _ => cannot(cause),
    })?;
    // The Parquet reader takes the places in a file's metadata as given, and panics at some others.
    let read = catch_unwind(|| read_whole(file));
    read.unwrap_or_else(|_| Err(Error::new(Kind::Data, "this is not a whole Parquet snapshot")))
}

fn read_whole(file: File) -> Result<Snapshot> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(malformed)?;
    let metadata = builder.metadata().file_metadata().key_value_metadata();
    let description = metadata.and_then(|all| all.iter().find(|entry| entry.key == DESCRIPTION));
    let description =
        description.and_then(|entry| entry.value.as_deref()).map(parse).transpose()?;
    let schema = builder.schema().clone();
    let reader = builder.build().map_err(malformed)?;
    let batches = reader.collect::<Result<Vec<RecordBatch>, _>>().map_err(malformed)?;
    let snapshot = Snapshot::new(schema, batches)?;
    Ok(match description {
        None => snapshot,
        Some(d) => snapshot
            .with_provenance(d.provenance)
            .with_coverage(d.coverage)
            .with_consistency(d.consistency),
    })
}

fn parse(text: &str) -> Result<Description> {
    #[derive(Deserialize)]
    struct Version {
        version: u32,
    }
    let Version { version } = serde_json::from_str(text).map_err(malformed)?;
    if version > VERSION {
        let message = format!(
            "version {version} of the snapshot format is newer than {VERSION}, the newest this version of trueup reads; upgrade trueup"
        );
        return Err(Error::new(Kind::Unsupported, message));
    }
    serde_json::from_str(text).map_err(malformed)
}

fn malformed(cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(Kind::Data, format!("this is not a whole Parquet snapshot: {cause}"))
        .with_source(cause)
}

fn cannot(cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(Kind::Unavailable, format!("the file cannot be read or written: {cause}"))
        .with_source(cause)
}
