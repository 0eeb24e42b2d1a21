//! The batches of an Arrow IPC file or stream.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_ipc::convert::try_fb_to_schema;
use arrow_ipc::reader::{read_dictionary, read_footer_length, read_record_batch};
use arrow_ipc::{Block, MessageHeader, root_as_footer};
use arrow_schema::{ArrowError, SchemaRef};

use super::message::{Message, Why};

/// Reads batches in order.
pub(super) struct Batches {
    pub(super) schema: SchemaRef,
    dictionaries: HashMap<i64, ArrayRef>,
    form: Form,
}

enum Form {
    /// The stream form: messages until the end mark; `None` after it.
    Stream(Option<Box<dyn Read + Send>>),
    /// The file form: batches where the footer says they are.
    File { file: File, blocks: Vec<Range<u64>>, next: usize },
}

/// What the file form starts and ends with.
pub(super) const MAGIC: &[u8] = b"ARROW1";

impl Batches {
    /// Reads the schema of a stream.
    pub(super) fn stream(stream: Box<dyn Read + Send>) -> Result<Self, Why> {
        let mut stream: Box<dyn Read + Send> = Box::new(BufReader::new(stream));
        let message = Message::read(&mut stream)?.ok_or("there is no schema")?;
        let header = message.header()?;
        let schema = header.header_as_schema().ok_or("there is no schema")?;
        let schema = try_fb_to_schema(schema).map_err(why)?;
        Ok(Self::new(schema, Form::Stream(Some(stream))))
    }

    /// Reads the footer of a file, and its dictionaries.
    pub(super) fn file(mut file: File, length: u64) -> Result<Self, Why> {
        let footer = read_footer(&mut file, length)?;
        let footer = root_as_footer(&footer).map_err(|cause| format!("the footer: {cause}"))?;
        let schema = footer.schema().ok_or("there is no schema")?;
        let schema = try_fb_to_schema(schema).map_err(why)?;
        let blocks = footer.recordBatches().into_iter().flatten();
        let blocks = blocks.map(|block| range(block, length)).collect::<Result<_, _>>()?;
        let mut batches = Self::new(schema, Form::File { file, blocks, next: 0 });
        for block in footer.dictionaries().iter().flatten() {
            let message = batches.message_at(&range(block, length)?)?;
            batches.decode(&message)?;
        }
        Ok(batches)
    }

    fn new(schema: arrow_schema::Schema, form: Form) -> Self {
        Self { schema: Arc::new(schema), dictionaries: HashMap::new(), form }
    }

    /// Whether it is the stream form.
    pub(super) fn is_stream(&self) -> bool {
        matches!(self.form, Form::Stream(_))
    }

    /// The next batch; `None` after the last.
    pub(super) fn next(&mut self) -> Result<Option<RecordBatch>, Why> {
        while let Some(message) = self.message()? {
            if let Some(batch) = self.decode(&message)? {
                return Ok(Some(batch));
            }
        }
        Ok(None)
    }

    /// Leaves out so many batches, but not the dictionaries between them.
    pub(super) fn skip(&mut self, batches: u64) -> Result<(), Why> {
        let mut left = batches;
        if let Form::File { next, blocks, .. } = &mut self.form {
            *next = usize::try_from(left).unwrap_or(usize::MAX).min(blocks.len());
            return Ok(());
        }
        while left > 0 {
            let Some(message) = self.message()? else { return Ok(()) };
            match message.header()?.header_type() {
                MessageHeader::RecordBatch => left -= 1,
                _ => drop(self.decode(&message)?),
            }
        }
        Ok(())
    }

    fn message(&mut self) -> Result<Option<Message>, Why> {
        let block = match &mut self.form {
            Form::Stream(open) => {
                let message = open.as_mut().map_or(Ok(None), Message::read)?;
                *open = open.take().filter(|_| message.is_some());
                return Ok(message);
            }
            Form::File { blocks, next, .. } => {
                *next += 1;
                blocks.get(*next - 1).cloned()
            }
        };
        block.map(|block| self.message_at(&block)).transpose()
    }

    fn message_at(&mut self, block: &Range<u64>) -> Result<Message, Why> {
        let Form::File { file, .. } = &mut self.form else {
            return Err("a stream has no blocks".to_owned());
        };
        file.seek(SeekFrom::Start(block.start)).map_err(|cause| cause.to_string())?;
        let mut bytes = BufReader::new(file.take(block.end - block.start));
        Message::read(&mut bytes)?.ok_or_else(|| "a block is empty".to_owned())
    }

    /// Takes a dictionary, or makes a batch.
    fn decode(&mut self, message: &Message) -> Result<Option<RecordBatch>, Why> {
        let header = message.header()?;
        let version = header.version();
        let is = header.header_type();
        if let Some(dictionary) = header.header_as_dictionary_batch() {
            let (body, known) = (&message.body, &mut self.dictionaries);
            read_dictionary(body, dictionary, &self.schema, known, &version).map_err(why)?;
            return Ok(None);
        }
        let batch = header.header_as_record_batch();
        let batch = batch.ok_or_else(|| format!("there is a message of the kind {is:?}"))?;
        let (body, schema) = (&message.body, self.schema.clone());
        read_record_batch(body, batch, schema, &self.dictionaries, None, &version)
            .map(Some)
            .map_err(why)
    }
}

fn read_footer(file: &mut File, length: u64) -> Result<Vec<u8>, Why> {
    let mut trailer = [0; 10];
    let start = length.checked_sub(trailer.len() as u64).ok_or("it is cut off")?;
    let io = |cause: std::io::Error| cause.to_string();
    file.seek(SeekFrom::Start(start)).map_err(io)?;
    file.read_exact(&mut trailer).map_err(io)?;
    let size = read_footer_length(trailer).map_err(|_| "it is cut off: there is no footer")?;
    let start = start.checked_sub(size as u64).ok_or("the footer is longer than the file")?;
    file.seek(SeekFrom::Start(start)).map_err(io)?;
    let mut footer = vec![0; size];
    file.read_exact(&mut footer).map_err(io)?;
    Ok(footer)
}

/// Where a block is, which must be in the file.
fn range(block: &Block, length: u64) -> Result<Range<u64>, Why> {
    let found = || {
        let start = u64::try_from(block.offset()).ok()?;
        let header = u64::try_from(block.metaDataLength()).ok()?;
        let end =
            start.checked_add(header)?.checked_add(u64::try_from(block.bodyLength()).ok()?)?;
        (end <= length).then_some(start..end)
    };
    found().ok_or_else(|| "a block is not in the file".to_owned())
}

fn why(cause: ArrowError) -> Why {
    cause.to_string()
}
