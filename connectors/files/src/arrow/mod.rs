//! Arrow IPC, file or stream: the types are the file's own, the place is a batch.

mod batches;
mod message;

use std::io::{Read, Seek};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use trueup_connector::{Error, Kind, Result};

use self::batches::{Batches, MAGIC};
use crate::chunks::Chunks;
use crate::config::{Compression, FileSettings};
use crate::layout::Layout;
use crate::own_types;
use crate::place::{Place, Stamp};
use crate::source;
use crate::task::Stop;

/// Reads the schema.
pub(crate) fn look(file: &FileSettings) -> Result<Layout> {
    let (reader, stamp) = open(file, 0)?;
    own_types::layout(file, &reader.schema, stamp)
}

/// What a new version of the file takes over: its own schema, and whether it is a stream.
pub(crate) fn writing(file: &FileSettings) -> Result<(SchemaRef, bool)> {
    let (reader, _) = open(file, 0)?;
    Ok((reader.schema.clone(), reader.is_stream()))
}

/// Reads an Arrow file batch by batch.
pub(crate) struct ArrowChunks {
    file: FileSettings,
    arrow: SchemaRef,
    stamp: Stamp,
    reader: Batches,
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
            self.ahead = self.reader.next().map_err(|why| malformed(&self.file, &why))?;
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

/// Opens the file after this many of its batches.
fn open(file: &FileSettings, batches: u64) -> Result<(Batches, Stamp)> {
    let (mut opened, stamp) = source::open(file)?;
    let mut head = Vec::new();
    let io = |cause| source::failed(file, cause);
    (&mut opened).take(MAGIC.len() as u64).read_to_end(&mut head).map_err(io)?;
    let is_file = head == MAGIC && file.compression() == Compression::None;
    let reader = match is_file {
        true => Batches::file(opened, stamp.length),
        false => {
            opened.rewind().map_err(io)?;
            Batches::stream(source::decompressed(file, opened)?)
        }
    };
    let mut reader = reader.map_err(|why| malformed(file, &why))?;
    reader.skip(batches).map_err(|why| malformed(file, &why))?;
    Ok((reader, stamp))
}

fn malformed(file: &FileSettings, why: &str) -> Error {
    Error::new(Kind::Data, format!("this is not a whole Arrow file: {why}"))
        .with("file", file.path.display())
}
