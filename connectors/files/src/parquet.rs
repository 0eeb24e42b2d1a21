//! Parquet: the types are the file's own, the place is a row.

use std::fs::File;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder,
};
use parquet::basic::Compression as Codec;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use trueup_connector::{Error, Kind, Result};

use crate::chunks::Chunks;
use crate::config::{Compression, FileSettings};
use crate::layout::Layout;
use crate::own_types;
use crate::place::{Place, Stamp};
use crate::source;
use crate::task::Stop;

/// Records read at a time.
const BATCH: usize = 65_536;

/// Reads the footer.
pub(crate) fn look(file: &FileSettings) -> Result<Layout> {
    let (_, metadata, stamp) = footer(file)?;
    own_types::layout(file, metadata.schema(), stamp)
}

/// What a new version of the file takes over: its own schema, and how its columns are compressed.
pub(crate) fn writing(file: &FileSettings) -> Result<(SchemaRef, Codec)> {
    let (_, metadata, _) = footer(file)?;
    let columns = metadata.metadata().row_groups().iter().flat_map(|group| group.columns());
    let codec = columns.map(|column| column.compression()).next();
    Ok((metadata.schema().clone(), codec.unwrap_or(Codec::SNAPPY)))
}

/// Reads a Parquet file batch by batch.
pub(crate) struct ParquetChunks {
    file: FileSettings,
    arrow: SchemaRef,
    stamp: Stamp,
    reader: ParquetRecordBatchReader,
    row: u64,
    rows: u64,
}

impl ParquetChunks {
    pub(crate) fn open(file: &FileSettings, layout: &Layout, place: Place) -> Result<Self> {
        let (opened, metadata, stamp) = footer(file)?;
        let rows = u64::try_from(metadata.metadata().file_metadata().num_rows()).unwrap_or(0);
        let skip = usize::try_from(place.offset).unwrap_or(usize::MAX);
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(opened, metadata)
            .with_batch_size(BATCH)
            .with_offset(skip)
            .build()
            .map_err(|cause| malformed(file, &cause))?;
        let (file, arrow) = (file.clone(), layout.arrow.clone());
        Ok(Self { file, arrow, stamp, reader, row: place.offset, rows })
    }
}

impl Chunks for ParquetChunks {
    fn place(&self) -> Place {
        Place { offset: self.row, line: 0 }
    }

    fn at_end(&mut self) -> Result<bool> {
        Ok(self.row >= self.rows)
    }

    fn next(&mut self, _: &Stop) -> Result<Vec<RecordBatch>> {
        let Some(batch) = self.reader.next() else {
            let message = format!(
                "the footer promises {} records, but only {} are there",
                self.rows, self.row
            );
            return Err(Error::new(Kind::Data, message).with("file", self.file.path.display()));
        };
        let batch = batch.map_err(|cause| malformed(&self.file, &cause))?;
        self.row += batch.num_rows() as u64;
        Ok(vec![own_types::relabel(&batch, &self.arrow)?])
    }

    fn stamp(&self) -> Stamp {
        self.stamp
    }
}

fn footer(file: &FileSettings) -> Result<(File, ArrowReaderMetadata, Stamp)> {
    if file.compression() != Compression::None {
        return Err(file.invalid("a Parquet file is compressed inside; decompress it first"));
    }
    let (opened, stamp) = source::open(file)?;
    let length = opened.metadata().map_err(|cause| source::failed(file, cause))?.len();
    let metadata = ArrowReaderMetadata::load(&opened, ArrowReaderOptions::new())
        .map_err(|cause| malformed(file, &cause))?;
    check(metadata.metadata(), length)
        .map_err(|message| malformed(file, &ParquetError::General(message)))?;
    Ok((opened, metadata, stamp))
}

/// Holds the footer to what the file can have, before anything is allocated by what it says.
fn check(metadata: &Arc<ParquetMetaData>, length: u64) -> Result<(), String> {
    let mut rows = 0_i64;
    for (number, group) in metadata.row_groups().iter().enumerate() {
        let bad = |what: &str| Err(format!("row group {number} {what}"));
        rows = rows.saturating_add(group.num_rows());
        if group.num_rows() < 0 {
            return bad("has fewer than no records");
        }
        for column in group.columns() {
            let offset = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
            let (offset, size) = (u64::try_from(offset), u64::try_from(column.compressed_size()));
            let (Ok(offset), Ok(size)) = (offset, size) else {
                return bad("starts before the file does");
            };
            if offset.checked_add(size).is_none_or(|end| end > length) {
                return bad("ends after the file does");
            }
        }
    }
    match rows == metadata.file_metadata().num_rows() {
        true => Ok(()),
        false => Err("the row groups have not as many records as the file".to_owned()),
    }
}

fn malformed(file: &FileSettings, cause: &(impl std::error::Error + ?Sized)) -> Error {
    Error::new(Kind::Data, format!("this is not a whole Parquet file: {cause}"))
        .with("file", file.path.display())
}
