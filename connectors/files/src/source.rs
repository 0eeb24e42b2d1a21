//! Files as streams: opened, decompressed, and for text decoded to UTF-8.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE};
use trueup_connector::{Error, Kind, Result};

use crate::config::{Compression, FileSettings};
use crate::place::Stamp;

/// Opens a file, and says what it is like now.
pub(crate) fn open(file: &FileSettings) -> Result<(File, Stamp)> {
    let opened = File::open(&file.path).map_err(|cause| failed(file, cause))?;
    let metadata = opened.metadata().map_err(|cause| failed(file, cause))?;
    match metadata.is_file() {
        true => Ok((opened, Stamp::of(&metadata))),
        false => Err(file.invalid("this is not a regular file")),
    }
}

/// The bytes of an opened file, decompressed.
pub(crate) fn decompressed(file: &FileSettings, opened: File) -> Result<Box<dyn Read + Send>> {
    Ok(match file.compression() {
        Compression::None => Box::new(opened),
        Compression::Gzip => {
            Box::new(flate2::bufread::MultiGzDecoder::new(io::BufReader::new(opened)))
        }
        Compression::Zstd => {
            Box::new(zstd::Decoder::new(opened).map_err(|cause| failed(file, cause))?)
        }
    })
}

/// A file's text in UTF-8, from its first character after a byte order mark.
pub(crate) struct Text {
    pub(crate) stream: Box<dyn Read + Send>,
    /// The offset of the first byte that `stream` gives.
    pub(crate) start: u64,
    pub(crate) stamp: Stamp,
}

/// Opens a file's text at an offset that an earlier reading gave; 0 for its start.
pub(crate) fn text(file: &FileSettings, offset: u64) -> Result<Text> {
    let (opened, stamp) = open(file)?;
    let mut stream = decompressed(file, opened)?;
    let (head, mark) = byte_order_mark(&mut stream).map_err(|cause| failed(file, cause))?;
    let encoding = declared(file)?.or(mark.map(|(encoding, _)| encoding)).unwrap_or(UTF_8);
    let mark_len = mark.filter(|(marked, _)| *marked == encoding).map_or(0, |(_, len)| len);
    let is_plain = encoding == UTF_8 && file.compression() == Compression::None;
    let body = head.get(mark_len..).unwrap_or_default().to_vec();
    let start = if encoding == UTF_8 { mark_len as u64 } else { 0 };
    if is_plain && offset > 0 {
        let (mut opened, stamp) = open(file)?;
        opened.seek(SeekFrom::Start(offset)).map_err(|cause| failed(file, cause))?;
        return Ok(Text { stream: Box::new(opened), start: offset, stamp });
    }
    let joined = io::Cursor::new(body).chain(stream);
    let mut stream: Box<dyn Read + Send> = match encoding == UTF_8 {
        true => Box::new(joined),
        false => Box::new(Decoded::new(joined, encoding)),
    };
    if offset > start {
        skip(&mut stream, offset - start).map_err(|cause| failed(file, cause))?;
    }
    Ok(Text { stream, start: start.max(offset), stamp })
}

/// Fails for text in an encoding that is not written here.
pub(crate) fn check_writable(file: &FileSettings) -> Result<()> {
    let mut stream = decompressed(file, open(file)?.0)?;
    let (_, mark) = byte_order_mark(&mut stream).map_err(|cause| failed(file, cause))?;
    let encoding = declared(file)?.or(mark.map(|(encoding, _)| encoding)).unwrap_or(UTF_8);
    if encoding == UTF_8 {
        return Ok(());
    }
    let message = format!("text is written in UTF-8 only, and this file is in {}", encoding.name());
    Err(Error::new(Kind::Unsupported, message).with("file", file.path.display()))
}

/// All of a file's text, which is UTF-8: its byte order mark, and what stands after that.
pub(crate) fn whole(file: &FileSettings) -> Result<(Vec<u8>, Vec<u8>)> {
    let mut stream = decompressed(file, open(file)?.0)?;
    let (mut mark, marked) = byte_order_mark(&mut stream).map_err(|cause| failed(file, cause))?;
    let length = marked.filter(|(encoding, _)| *encoding == UTF_8).map_or(0, |(_, length)| length);
    let mut text = mark.split_off(length);
    stream.read_to_end(&mut text).map_err(|cause| failed(file, cause))?;
    Ok((mark, text))
}

/// What a failure of the file means for the caller.
pub(crate) fn failed(file: &FileSettings, cause: io::Error) -> Error {
    let packed = file.compression();
    let (kind, message) = match cause.kind() {
        io::ErrorKind::NotFound => (Kind::NotFound, "there is no such file".to_owned()),
        io::ErrorKind::PermissionDenied => (Kind::Forbidden, "the file may not be read".to_owned()),
        io::ErrorKind::UnexpectedEof => {
            (Kind::Data, "the file ends in the middle: it is cut off".to_owned())
        }
        io::ErrorKind::InvalidData => (Kind::Data, format!("the file is malformed: {cause}")),
        _ if packed != Compression::None => {
            (Kind::Data, format!("the file cannot be decompressed: {cause}"))
        }
        _ => (Kind::Unavailable, format!("the file cannot be read: {cause}")),
    };
    Error::new(kind, message).with("file", file.path.display()).with_source(cause)
}

fn declared(file: &FileSettings) -> Result<Option<&'static Encoding>> {
    let Some(name) = &file.encoding else { return Ok(None) };
    let known = Encoding::for_label(name.as_bytes());
    known.map(Some).ok_or_else(|| {
        let message = format!(
            "unknown encoding `{name}`; use its name on the web, as `utf-8`, `windows-1252` or `utf-16le`"
        );
        file.invalid(&message)
    })
}

/// The first bytes, and the encoding that a byte order mark among them tells, with its length.
type Head = (Vec<u8>, Option<(&'static Encoding, usize)>);

fn byte_order_mark(stream: &mut impl Read) -> io::Result<Head> {
    let mut head = Vec::new();
    stream.take(3).read_to_end(&mut head)?;
    let mark = match head.as_slice() {
        [0xef, 0xbb, 0xbf] => Some((UTF_8, 3)),
        [0xff, 0xfe, ..] => Some((UTF_16LE, 2)),
        [0xfe, 0xff, ..] => Some((UTF_16BE, 2)),
        _ => None,
    };
    Ok((head, mark))
}

fn skip(stream: &mut impl Read, bytes: u64) -> io::Result<()> {
    match io::copy(&mut stream.take(bytes), &mut io::sink())? {
        copied if copied == bytes => Ok(()),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// Bytes that are no text in the file's encoding.
#[derive(Debug)]
pub(crate) struct BadText(&'static str);

impl fmt::Display for BadText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there are bytes that are not {}", self.0)
    }
}

impl std::error::Error for BadText {}

/// Decodes strictly: bytes that are no text are an error, never a replacement character.
struct Decoded<R> {
    inner: R,
    encoding: &'static Encoding,
    decoder: Decoder,
    input: Vec<u8>,
    taken: usize,
    output: Vec<u8>,
    given: usize,
    state: State,
}

#[derive(PartialEq)]
enum State {
    More,
    Bad,
    Done,
}

const DECODE: usize = 64 << 10;

impl<R: Read> Decoded<R> {
    fn new(inner: R, encoding: &'static Encoding) -> Self {
        let decoder = encoding.new_decoder_with_bom_removal();
        let (input, output) = (Vec::new(), Vec::new());
        Self { inner, encoding, decoder, input, taken: 0, output, given: 0, state: State::More }
    }

    fn fill(&mut self) -> io::Result<()> {
        if self.taken == self.input.len() {
            self.input.clear();
            self.taken = 0;
            (&mut self.inner).take(DECODE as u64).read_to_end(&mut self.input)?;
        }
        let is_last = self.input.is_empty();
        let input = self.input.get(self.taken..).unwrap_or_default();
        self.output.resize(DECODE * 3 + 16, 0);
        let (result, read, written) =
            self.decoder.decode_to_utf8_without_replacement(input, &mut self.output, is_last);
        self.taken += read;
        self.output.truncate(written);
        self.given = 0;
        match result {
            DecoderResult::Malformed(..) => self.state = State::Bad,
            DecoderResult::InputEmpty if is_last => self.state = State::Done,
            _ => {}
        }
        Ok(())
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.output.len() {
            match self.state {
                State::More => self.fill()?,
                State::Bad => {
                    let bad = BadText(self.encoding.name());
                    return Err(io::Error::new(io::ErrorKind::InvalidData, bad));
                }
                State::Done => return Ok(0),
            }
        }
        let mut ready = self.output.get(self.given..).unwrap_or_default();
        let read = ready.read(buffer)?;
        self.given += read;
        Ok(read)
    }
}
