//! Arrow IPC, file or stream: the types are the file's own, the place is a batch.

use std::fs::File;
use std::io::{BufReader, Read};

use arrow_array::RecordBatch;
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_schema::{ArrowError, SchemaRef};
use trueup_connector::{Error, Kind, Result};

use crate::chunks::Chunks;
use crate::config::{Compression, FileSettings};
use crate::layout::Layout;
use crate::own_types;
use crate::place::{Place, Stamp};
use crate::source;
use crate::task::Stop;

/// What the file form starts with; the stream form starts with a length.
const MAGIC: &[u8] = b"ARROW1";

/// Reads the schema.
pub(crate) fn look(file: &FileSettings) -> Result<Layout> {
    let (reader, stamp) = open(file, 0)?;
    own_types::layout(file, &reader.schema(), stamp)
}

/// Reads an Arrow file batch by batch.
pub(crate) struct ArrowChunks {
    file: FileSettings,
    arrow: SchemaRef,
    stamp: Stamp,
    reader: Reader,
    batch: u64,
    /// The batch that was read to know whether there is one.
    ahead: Option<RecordBatch>,
}

impl ArrowChunks {
    pub(crate) fn open(file: &FileSettings, layout: &Layout, place: Place) -> Result<Self> {
        let (reader, stamp) = open(file, place.offset)?;
        let (file, arrow) = (file.clone(), layout.arrow.clone());
        Ok(Self { file, arrow, stamp, reader, batch: place.offset, ahead: None })
    }
}

impl Chunks for ArrowChunks {
    fn place(&self) -> Place {
        Place { offset: self.batch, line: 0 }
    }

    fn at_end(&mut self) -> Result<bool> {
        if self.ahead.is_none() {
            self.ahead = self.reader.next(&self.file)?;
        }
        Ok(self.ahead.is_none())
    }

    fn next(&mut self, _: &Stop) -> Result<Vec<RecordBatch>> {
        if self.at_end()? {
            return Ok(Vec::new());
        }
        self.batch += 1;
        self.ahead.take().iter().map(|batch| own_types::relabel(batch, &self.arrow)).collect()
    }

    fn stamp(&self) -> Stamp {
        self.stamp
    }
}

enum Reader {
    File(Box<FileReader<BufReader<File>>>),
    Stream(Box<StreamReader<BufReader<Box<dyn Read + Send>>>>),
}

impl Reader {
    fn schema(&self) -> SchemaRef {
        match self {
            Self::File(reader) => reader.schema(),
            Self::Stream(reader) => reader.schema(),
        }
    }

    fn next(&mut self, file: &FileSettings) -> Result<Option<RecordBatch>> {
        let batch = match self {
            Self::File(reader) => reader.next(),
            Self::Stream(reader) => reader.next(),
        };
        batch.transpose().map_err(|cause| malformed(file, &cause))
    }
}

/// Opens the file after this many of its batches.
fn open(file: &FileSettings, batches: u64) -> Result<(Reader, Stamp)> {
    let (mut opened, stamp) = source::open(file)?;
    let mut head = Vec::new();
    (&mut opened)
        .take(MAGIC.len() as u64)
        .read_to_end(&mut head)
        .map_err(|cause| source::failed(file, cause))?;
    if head == MAGIC && file.compression() == Compression::None {
        let reader = FileReader::try_new_buffered(opened, None);
        let mut reader = reader.map_err(|cause| malformed(file, &cause))?;
        let index = usize::try_from(batches).unwrap_or(usize::MAX);
        if index < reader.num_batches() {
            reader.set_index(index).map_err(|cause| malformed(file, &cause))?;
        } else {
            reader.by_ref().for_each(drop);
        }
        return Ok((Reader::File(Box::new(reader)), stamp));
    }
    let (stream, stamp) = source::plain(file)?;
    let reader = StreamReader::try_new_buffered(stream, None);
    let mut reader = Reader::Stream(Box::new(reader.map_err(|cause| malformed(file, &cause))?));
    for _ in 0..batches {
        reader.next(file)?;
    }
    Ok((reader, stamp))
}

fn malformed(file: &FileSettings, cause: &ArrowError) -> Error {
    Error::new(Kind::Data, format!("this is not a whole Arrow file: {cause}"))
        .with("file", file.path.display())
}
