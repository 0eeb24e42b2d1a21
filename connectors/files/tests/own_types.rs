//! Parquet and Arrow files: their own types, page by page.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests may stop at the first surprise"
)]

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow_ipc::writer::{FileWriter, StreamWriter};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use trueup_connector::{
    Connector, Context, Cursor, Field, Kind, LogicalType, Page, ReadRequest, Result, Role,
};
use trueup_files::{FileSettings, Files, Settings};

fn batch(from: i64, to: i64) -> RecordBatch {
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(from..to));
    let names = (from..to).map(|i| (i % 3 > 0).then(|| format!("name {i}")));
    let names: ArrayRef = Arc::new(StringArray::from_iter(names));
    RecordBatch::try_from_iter_with_nullable([("id", ids, false), ("name", names, true)]).unwrap()
}

fn write_parquet(path: &Path) {
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(70)).build();
    let file = File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch(0, 0).schema(), Some(properties)).unwrap();
    writer.write(&batch(0, 100)).unwrap();
    writer.write(&batch(100, 250)).unwrap();
    writer.close().unwrap();
}

fn write_file(path: &Path) {
    let mut writer =
        FileWriter::try_new(File::create(path).unwrap(), &batch(0, 0).schema()).unwrap();
    writer.write(&batch(0, 100)).unwrap();
    writer.write(&batch(100, 250)).unwrap();
    writer.finish().unwrap();
}

fn write_stream(path: &Path) {
    let mut writer =
        StreamWriter::try_new(File::create(path).unwrap(), &batch(0, 0).schema()).unwrap();
    writer.write(&batch(0, 100)).unwrap();
    writer.write(&batch(100, 250)).unwrap();
    writer.finish().unwrap();
}

/// A file's name, and what writes it.
type Form = (&'static str, fn(&Path));

const FORMS: [Form; 3] =
    [("t.parquet", write_parquet), ("t.arrow", write_file), ("t.arrows", write_stream)];

async fn page(files: &Files, size: usize, cursor: Option<Cursor>) -> Result<Page> {
    let mut request = ReadRequest::new("t").with_page_size(size);
    request.cursor = cursor;
    files.read_page(Context::new(), request).await
}

#[tokio::test]
async fn pages_go_on_in_another_process() {
    for (name, write) in FORMS {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        write(&path);
        let whole = trueup_files::read(&path).unwrap();
        assert_eq!(whole.rows(), 250, "{name}");
        let (mut at, mut cursor) = (0, None);
        loop {
            // A connector of its own for each page has nothing but the cursor.
            let files = Files::open(&path).unwrap();
            let found = page(&files, 60, cursor).await.unwrap();
            let rows = found.records.num_rows();
            let ids = found.records.column(0).clone();
            let want: ArrayRef = Arc::new(Int64Array::from_iter_values(at..at + rows as i64));
            assert_eq!(*ids, *want, "{name}");
            assert!(rows <= 60);
            at += rows as i64;
            cursor = found.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(at, 250, "{name}");
    }
}

#[tokio::test]
async fn a_changed_file_is_a_conflict() {
    for (name, write) in FORMS {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        write(&path);
        let files = Files::open(&path).unwrap();
        let first = page(&files, 10, None).await.unwrap();
        let file = File::options().append(true).open(&path).unwrap();
        file.set_modified(std::time::UNIX_EPOCH).unwrap();
        let error = page(&files, 10, first.next).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Conflict, "{name}: {error}");
    }
}

#[test]
fn roles_can_be_declared_and_types_cannot_be_changed() {
    for (name, write) in FORMS {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        write(&path);
        let read = |ty| {
            let field = Field::new("name", ty).secret();
            let file = FileSettings::new(&path).with_key(["id"]).with_field(field);
            let files = Files::new(Settings::default().with_file(file)).unwrap();
            files.read_blocking(&Context::new(), "t")
        };
        let snapshot = read(LogicalType::Text).unwrap();
        assert_eq!(snapshot.schema().field("id").unwrap().role, Role::Key);
        assert!(snapshot.schema().field("name").unwrap().secret);
        let error = read(LogicalType::Int).unwrap_err();
        assert!(
            error.to_string().contains("declared as int, but the file has it as text"),
            "{error}"
        );
    }
}

#[test]
fn cut_and_broken_files_are_errors() {
    for (name, write) in FORMS {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        write(&path);
        let whole = std::fs::read(&path).unwrap();
        for at in (0..whole.len()).step_by(97) {
            std::fs::write(&path, &whole[..at]).unwrap();
            if let Ok(snapshot) = trueup_files::read(&path) {
                panic!("{name} cut at {at} of {} gave {} rows", whole.len(), snapshot.rows());
            }
        }
        for at in (0..whole.len()).step_by(13) {
            let mut broken = whole.clone();
            broken[at] ^= 0x5a;
            std::fs::write(&path, &broken).unwrap();
            // Some bytes are values or padding; what matters is that nothing stops or grows.
            drop(trueup_files::read(&path));
        }
    }
}

#[tokio::test]
async fn other_columns_than_described_are_a_conflict() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    std::fs::write(&path, "id\n1\n").unwrap();
    let files = Files::open(&path).unwrap();
    files.describe(Context::new()).await.unwrap();
    std::fs::write(&path, "id\nx\n\n").unwrap();
    for _ in 0..2 {
        let error = page(&files, 10, None).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Conflict, "{error}");
    }
    files.describe(Context::new()).await.unwrap();
    assert_eq!(page(&files, 10, None).await.unwrap().records.num_rows(), 2);
}
