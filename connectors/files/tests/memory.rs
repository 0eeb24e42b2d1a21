//! Reading page by page takes as much memory for a long file as for a short one.
//!
//! `TRUEUP_DEEP=1` makes the file 1.5 GB instead of 40 MB.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests may stop at the first surprise"
)]

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use trueup_connector::{Connector, Context, Field, LogicalType, ReadRequest, Schema};
use trueup_files::{FileSettings, Files, Settings};

/// The memory in use by this process, in MiB.
fn in_use() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

fn schema() -> Schema {
    let fields = [("id", LogicalType::Int), ("name", LogicalType::Text)];
    Schema::new(fields.map(|(name, ty)| Field::new(name, ty))).unwrap()
}

fn files(path: &Path, declared: bool) -> Files {
    let mut file = FileSettings::new(path).with_name("big");
    if declared {
        file = file.with_schema(schema());
    }
    Files::new(Settings::default().with_file(file).with_threads(2)).unwrap()
}

/// Reads so many pages; gives the rows, and by how much memory grew after the first pages.
async fn walk(files: &Files, most: usize) -> (usize, u64) {
    let (mut rows, mut pages, mut start, mut peak) = (0, 0, 0, 0);
    let mut request = ReadRequest::new("big");
    loop {
        let page = files.read_page(Context::new(), request.clone()).await.unwrap();
        (rows, pages) = (rows + page.records.num_rows(), pages + 1);
        drop(page.records);
        if pages <= 2 {
            start = in_use();
        }
        peak = peak.max(in_use());
        match page.next.filter(|_| pages < most) {
            Some(next) => request = ReadRequest::new("big").with_cursor(next),
            None => return (rows, peak.saturating_sub(start)),
        }
    }
}

/// One test, as all tests of a process share its memory.
#[tokio::test]
async fn memory_stays_flat() {
    read_a_long_file().await;
    read_a_bomb().await;
}

async fn read_a_long_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("big.csv");
    let rows = if std::env::var_os("TRUEUP_DEEP").is_some() { 15_000_000 } else { 400_000 };
    let mut out = BufWriter::new(File::create(&path).unwrap());
    writeln!(out, "id,name").unwrap();
    for i in 0..rows {
        writeln!(out, "{i},\"a name as long as names of devices are, {i:040} and so on\"").unwrap();
    }
    out.into_inner().unwrap().sync_all().unwrap();
    let files = files(&path, rows < 1_000_000);
    let (read, grown) = walk(&files, usize::MAX).await;
    assert_eq!(read, rows);
    assert!(grown < 48, "memory grew by {grown} MiB");
}

async fn read_a_bomb() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bomb.csv.zst");
    let mut packer = zstd::Encoder::new(File::create(&path).unwrap(), 1).unwrap();
    let line = b"1,aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n".repeat(1 << 14);
    packer.write_all(b"id,name\n").unwrap();
    for _ in 0..512 {
        packer.write_all(&line).unwrap();
    }
    packer.finish().unwrap();
    let packed = std::fs::metadata(&path).unwrap().len();
    assert!(packed < 1 << 20, "{packed} bytes for 512 MiB");
    let (rows, grown) = walk(&files(&path, true), 6).await;
    assert!(rows > 0 && grown < 48, "memory grew by {grown} MiB");
}
