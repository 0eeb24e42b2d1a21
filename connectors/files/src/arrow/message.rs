//! The messages of Arrow IPC, held to their own lengths before anything is made of them.
//!
//! The reader in `arrow-ipc` believes what a message says of itself: a wrong offset stops it with a
//! panic, a wrong length with an allocation that cannot be. So messages are framed and checked here,
//! and only whole, consistent ones are given to it.

use std::io::Read;

use arrow_buffer::Buffer;
use arrow_ipc::{Message as Header, MessageHeader, RecordBatch as BatchHeader, root_as_message};

/// One message: what it says, and the bytes it speaks of.
pub(super) struct Message {
    header: Vec<u8>,
    pub(super) body: Buffer,
}

const CONTINUATION: i32 = -1;
/// Headers speak of columns, not of rows.
const LONGEST_HEADER: u64 = 64 << 20;
/// What one buffer may become when it is decompressed, and how many rows a batch may have.
const LARGEST: i64 = i32::MAX as i64;

/// Why a message cannot be.
pub(super) type Why = String;

impl Message {
    /// The next message; `None` at the mark that ends a stream.
    pub(super) fn read(stream: &mut impl Read) -> Result<Option<Self>, Why> {
        let mut length = word(stream)?;
        if length == CONTINUATION {
            length = word(stream)?;
        }
        let length = u64::try_from(length).map_err(|_| "a message has a length below zero")?;
        if length == 0 {
            return Ok(None);
        }
        if length > LONGEST_HEADER {
            return Err(format!("a message has a header of {length} bytes"));
        }
        let header = exactly(stream, length)?;
        let body = parse(&header)?.bodyLength();
        let body = u64::try_from(body).map_err(|_| "a message has a body below zero")?;
        let body = Buffer::from_vec(exactly(stream, body)?);
        let message = Self { header, body };
        message.check()?;
        Ok(Some(message))
    }

    /// What the message says.
    pub(super) fn header(&self) -> Result<Header<'_>, Why> {
        parse(&self.header)
    }

    fn check(&self) -> Result<(), Why> {
        let header = self.header()?;
        let batch = match header.header_type() {
            MessageHeader::RecordBatch => header.header_as_record_batch(),
            MessageHeader::DictionaryBatch => {
                header.header_as_dictionary_batch().and_then(|dictionary| dictionary.data())
            }
            _ => None,
        };
        batch.map_or(Ok(()), |batch| self.check_batch(&batch))
    }

    fn check_batch(&self, batch: &BatchHeader<'_>) -> Result<(), Why> {
        let rows = batch.length();
        if !(0..=LARGEST).contains(&rows) {
            return Err(format!("a batch has {rows} rows"));
        }
        for node in batch.nodes().iter().flatten() {
            let (length, nulls) = (node.length(), node.null_count());
            if !(0..=LARGEST).contains(&length) || !(0..=length).contains(&nulls) {
                return Err(format!("a column has {length} values, {nulls} of them null"));
            }
        }
        let is_compressed = batch.compression().is_some();
        for buffer in batch.buffers().iter().flatten() {
            let bytes = self.slice(buffer.offset(), buffer.length());
            let bytes = bytes.ok_or("a buffer ends after its message does")?;
            if is_compressed {
                check_compressed(bytes)?;
            }
        }
        Ok(())
    }

    fn slice(&self, offset: i64, length: i64) -> Option<&[u8]> {
        let start = usize::try_from(offset).ok()?;
        let end = start.checked_add(usize::try_from(length).ok()?)?;
        self.body.as_slice().get(start..end)
    }
}

/// A compressed buffer starts with its length when decompressed; -1: it is not compressed.
fn check_compressed(bytes: &[u8]) -> Result<(), Why> {
    let Some((length, _)) = bytes.split_first_chunk::<8>() else {
        return if bytes.is_empty() {
            Ok(())
        } else {
            Err("a compressed buffer has no length".into())
        };
    };
    match i64::from_le_bytes(*length) {
        -1..=LARGEST => Ok(()),
        length => Err(format!("a buffer claims {length} bytes when decompressed")),
    }
}

fn parse(header: &[u8]) -> Result<Header<'_>, Why> {
    root_as_message(header).map_err(|cause| format!("a message is malformed: {cause}"))
}

fn word(stream: &mut impl Read) -> Result<i32, Why> {
    let bytes = exactly(stream, 4)?;
    let bytes = bytes.first_chunk::<4>().ok_or("a message has no length")?;
    Ok(i32::from_le_bytes(*bytes))
}

/// So many bytes; room is made as they come, whatever is promised.
fn exactly(stream: &mut impl Read, length: u64) -> Result<Vec<u8>, Why> {
    let mut bytes = Vec::new();
    stream.take(length).read_to_end(&mut bytes).map_err(|cause| cause.to_string())?;
    match bytes.len() as u64 == length {
        true => Ok(bytes),
        false => Err("it is cut off: it ends without an end mark".to_owned()),
    }
}
