//! Hostile Parquet: an error or records, never the end of the program.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use parquet::arrow::ArrowWriter;
use trueup_fuzz::{batch, damaged, let_panics_be_caught, read, values};

fn whole() -> &'static [u8] {
    static WHOLE: OnceLock<Vec<u8>> = OnceLock::new();
    WHOLE.get_or_init(|| {
        let mut bytes = Vec::new();
        let mut writer =
            ArrowWriter::try_new(&mut bytes, batch().schema(), None).expect("a schema");
        writer.write(&batch()).expect("a batch");
        writer.close().expect("a footer");
        bytes
    })
}

fuzz_target!(
    init: let_panics_be_caught(),
    |input: &[u8]| {
        if let Ok(snapshot) = read("input.parquet", &damaged(input, whole()), 1, |file| file)
            && snapshot.rows() < 10_000
        {
            values(&snapshot);
        }
    }
);
