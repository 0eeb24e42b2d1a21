//! What the fuzz targets share.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{
    ArrayRef, Decimal128Array, DictionaryArray, Int64Array, ListArray, RecordBatch, StringArray,
};
use trueup_connector::{Column, Context, Result, Snapshot};
use trueup_files::{FileSettings, Files, Settings};

/// Reads bytes through the connector, as a file of this name, on so many threads.
pub fn read(
    name: &str,
    bytes: &[u8],
    threads: usize,
    change: impl Fn(FileSettings) -> FileSettings,
) -> Result<Snapshot> {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        // Memory, where there is such a folder: a file is written for each input.
        let fast = PathBuf::from("/dev/shm");
        let root = if fast.is_dir() { fast } else { std::env::temp_dir() };
        tempfile::tempdir_in(root).expect("a folder for inputs")
    });
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).expect("an input can be written");
    let file = change(FileSettings::new(path).with_name("input"));
    let files = Files::new(Settings::default().with_file(file).with_threads(threads))?;
    files.read_blocking(&Context::new(), "input")
}

/// All values of a snapshot, by column; reading them all is part of the test.
pub fn values(snapshot: &Snapshot) -> Vec<Vec<String>> {
    let mut columns = vec![Vec::new(); snapshot.schema().fields().len()];
    for batch in snapshot.batches() {
        for (values, array) in columns.iter_mut().zip(batch.columns()) {
            let column = Column::new(array).expect("a snapshot's columns can be read");
            values.extend((0..column.len()).map(|row| format!("{:?}", column.value(row))));
        }
    }
    columns
}

/// Some records of many types.
pub fn batch() -> RecordBatch {
    let lists = ListArray::from_iter_primitive::<Int64Type, _, _>([
        Some(vec![Some(1), None]),
        None,
        Some(vec![]),
    ]);
    let columns: [(&str, ArrayRef); 5] = [
        ("int", Arc::new(Int64Array::from(vec![Some(1), None, Some(3)]))),
        ("text", Arc::new(StringArray::from(vec![Some("one"), Some(""), None]))),
        ("list", Arc::new(lists)),
        ("word", Arc::new(DictionaryArray::<Int32Type>::from_iter(["a", "b", "a"]))),
        ("decimal", Arc::new(Decimal128Array::from(vec![150, 25, -1]))),
    ];
    RecordBatch::try_from_iter(columns).expect("columns of one length")
}

/// Bytes made from the input: the input itself, or a whole file with some of its bytes changed by it.
pub fn damaged(input: &[u8], whole: &[u8]) -> Vec<u8> {
    let Some((first, rest)) = input.split_first() else { return Vec::new() };
    if *first == 0 {
        return rest.to_vec();
    }
    let mut bytes = whole.to_vec();
    for edit in rest.chunks_exact(3) {
        let at = usize::from(u16::from_le_bytes([edit[0], edit[1]])) % bytes.len();
        bytes[at] = edit[2];
    }
    let cut = if first % 4 == 1 { usize::from(*first) } else { 0 };
    bytes.truncate(bytes.len() - cut.min(bytes.len()));
    bytes
}

/// Lets panics be caught, as in a program: by default the fuzzer ends at the first.
///
/// The readers of Parquet and Arrow panic on some hostile bytes; the connector makes errors of that.
pub fn let_panics_be_caught() {
    std::panic::set_hook(Box::new(|_| {}));
}
