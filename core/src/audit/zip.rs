//! Zip files with nothing left to choose: stored, sorted, dated 1980 (`docs/spec/evidence.md`).
//!
//! Equal files give equal bytes, and a reader that accepts nothing else finds every changed one.
//! Crates for zip read much more than this, which is what an evidence pack must not have.

use std::collections::{BTreeMap, BTreeSet};

use trueup_connector::{Error, Kind, Result};

use super::encoding::{invalid, malformed};

const MOST_FILES: usize = 10_000;
const LARGEST: usize = i32::MAX as usize;
const LONGEST_NAME: usize = 200;
const LOCAL: [u8; 4] = *b"PK\x03\x04";
const DIRECTORY: [u8; 4] = *b"PK\x01\x02";
const END: [u8; 4] = *b"PK\x05\x06";

/// A file that was read, and whether its bytes are those that were written.
#[derive(Debug)]
pub(super) struct ZippedFile<'a> {
    pub(super) name: &'a str,
    pub(super) bytes: &'a [u8],
    pub(super) intact: bool,
}

/// The zip with these files.
pub(super) fn write_zip(files: &BTreeMap<String, Vec<u8>>) -> Result<Vec<u8>> {
    check_names(files.keys().map(String::as_str))?;
    let size =
        files.iter().map(|(name, bytes)| bytes.len() + 76 + 2 * name.len()).sum::<usize>() + 22;
    if size > LARGEST {
        return Err(too_large());
    }
    let (mut out, mut entries) = (Vec::with_capacity(size), Vec::new());
    for (name, bytes) in files {
        let header = Header::of(name, bytes);
        entries.push((header, out.len() as u32));
        header.write_local(&mut out);
        out.extend(bytes);
    }
    write_tail(&mut out, &entries);
    Ok(out)
}

/// The files of a zip that [`write_zip`] could have made but for changed bytes in files.
pub(super) fn read_zip(zip: &[u8]) -> Result<Vec<ZippedFile<'_>>> {
    if zip.len() > LARGEST {
        return Err(too_large());
    }
    let (mut rest, mut files, mut entries) = (zip, Vec::new(), Vec::new());
    while rest.starts_with(&LOCAL) {
        let offset = (zip.len() - rest.len()) as u32;
        let (header, file, after) = read_local(rest).map_err(|e| e.with("offset", offset))?;
        entries.push((header, offset));
        files.push(file);
        rest = after;
        if files.len() > MOST_FILES {
            return Err(too_large());
        }
    }
    check_names(files.iter().map(|file| file.name)).map_err(|e| malformed(e.message()))?;
    let mut tail = Vec::new();
    let begin = zip.len() - rest.len();
    tail.reserve(rest.len().min(LARGEST));
    write_tail_at(&mut tail, &entries, begin as u32);
    match tail == rest {
        true => Ok(files),
        false => Err(malformed("the directory at the end of this pack is not that of its files")
            .with("offset", begin)),
    }
}

/// Refuses names that could lead out of a folder, meet another, or come out of order.
fn check_names<'a>(names: impl Iterator<Item = &'a str>) -> Result<()> {
    let (mut seen, mut last) = (BTreeSet::new(), "");
    for name in names {
        check_name(name)?;
        if name <= last || !seen.insert(name.to_ascii_lowercase()) {
            return invalid(format!("the name `{name}` is there twice or out of order"));
        }
        last = name;
    }
    let folders = |name: &String| {
        let ends = name.match_indices('/').map(|(at, _)| at);
        ends.filter_map(|at| name.get(..at)).any(|folder| seen.contains(folder))
    };
    match seen.iter().find(|name| folders(name)) {
        Some(name) => invalid(format!("a folder of `{name}` is also the name of a file")),
        None if seen.len() > MOST_FILES => Err(too_large()),
        None => Ok(()),
    }
}

fn check_name(name: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let part = |part: &str| !part.is_empty() && !part.ends_with('.') && part.chars().all(plain);
    match name.len() <= LONGEST_NAME && name.split('/').all(part) {
        true => Ok(()),
        false => invalid(format!(
            "`{}` cannot name a file of a pack: use up to {LONGEST_NAME} letters, digits and `._-`, \
             parts joined by `/`",
            name.escape_debug()
        )),
    }
}

fn too_large() -> Error {
    let what = format!("a pack has {MOST_FILES} files and {LARGEST} bytes at most; make several");
    Error::new(Kind::Limit, what)
}

/// What both headers of a file say.
#[derive(Clone, Copy)]
struct Header<'a> {
    name: &'a str,
    crc: u32,
    size: u32,
}

impl<'a> Header<'a> {
    fn of(name: &'a str, bytes: &[u8]) -> Self {
        Self { name, crc: crc32fast::hash(bytes), size: bytes.len() as u32 }
    }

    fn write_local(&self, out: &mut Vec<u8>) {
        out.extend(LOCAL);
        self.write_common(out);
        out.extend(self.name.as_bytes());
    }

    fn write_directory(&self, out: &mut Vec<u8>, offset: u32) {
        out.extend(DIRECTORY);
        out.extend(20_u16.to_le_bytes());
        self.write_common(out);
        out.extend([0; 10]);
        out.extend(offset.to_le_bytes());
        out.extend(self.name.as_bytes());
    }

    /// Version needed to the length of the extra field: the same in both headers.
    fn write_common(&self, out: &mut Vec<u8>) {
        // Version 2.0; no flags, stored, no time; 1980-01-01.
        for field in [20_u16, 0, 0, 0, 33] {
            out.extend(field.to_le_bytes());
        }
        for field in [self.crc, self.size, self.size] {
            out.extend(field.to_le_bytes());
        }
        out.extend((self.name.len() as u16).to_le_bytes());
        out.extend([0; 2]);
    }
}

fn write_tail(out: &mut Vec<u8>, entries: &[(Header<'_>, u32)]) {
    let begin = out.len() as u32;
    write_tail_at(out, entries, begin);
}

/// The directory and its end, as they stand `begin` bytes into the zip.
fn write_tail_at(out: &mut Vec<u8>, entries: &[(Header<'_>, u32)], begin: u32) {
    let before = out.len();
    for (header, offset) in entries {
        header.write_directory(out, *offset);
    }
    let size = (out.len() - before) as u32;
    out.extend(END);
    out.extend([0; 4]);
    for _ in 0..2 {
        out.extend((entries.len() as u16).to_le_bytes());
    }
    out.extend(size.to_le_bytes());
    out.extend(begin.to_le_bytes());
    out.extend([0; 2]);
}

fn read_local(bytes: &[u8]) -> Result<(Header<'_>, ZippedFile<'_>, &[u8])> {
    let cut = || malformed("this pack is cut off or damaged in the header of a file");
    let crc = number(bytes, 14).ok_or_else(cut)?;
    let size = number(bytes, 22).ok_or_else(cut)?;
    let [low, high] = *bytes.get(26..).and_then(<[u8]>::first_chunk).ok_or_else(cut)?;
    let begin = 30 + usize::from(u16::from_le_bytes([low, high]));
    let name = bytes.get(30..begin).and_then(|name| std::str::from_utf8(name).ok());
    let name = name.ok_or_else(cut)?;
    let content = begin.checked_add(size as usize).and_then(|end| bytes.get(begin..end));
    let content = content.ok_or_else(|| cut().with("file", name.escape_debug()))?;
    let header = Header { name, crc, size };
    let mut expected = Vec::with_capacity(begin);
    header.write_local(&mut expected);
    let after = bytes.get(begin + content.len()..).unwrap_or_default();
    match bytes.starts_with(&expected) {
        true => {
            let intact = crc32fast::hash(content) == crc;
            Ok((header, ZippedFile { name, bytes: content, intact }, after))
        }
        false => Err(malformed("the header of this file is not one of a pack")
            .with("file", name.escape_debug())),
    }
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}
