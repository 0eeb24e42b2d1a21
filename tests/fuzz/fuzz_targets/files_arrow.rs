//! Hostile Arrow IPC: an error or records, never the end of the program.
#![no_main]

use std::sync::OnceLock;

use arrow_ipc::writer::{FileWriter, StreamWriter};
use libfuzzer_sys::fuzz_target;
use trueup_fuzz::{batch, damaged, let_panics_be_caught, read, values};

fn whole(file: bool) -> &'static [u8] {
    static WHOLE: [OnceLock<Vec<u8>>; 2] = [OnceLock::new(), OnceLock::new()];
    WHOLE[usize::from(file)].get_or_init(|| match file {
        true => {
            let mut writer = FileWriter::try_new(Vec::new(), &batch().schema()).expect("a schema");
            writer.write(&batch()).expect("a batch");
            writer.into_inner().expect("a footer")
        }
        false => {
            let mut writer =
                StreamWriter::try_new(Vec::new(), &batch().schema()).expect("a schema");
            writer.write(&batch()).expect("a batch");
            writer.into_inner().expect("an end")
        }
    })
}

fuzz_target!(
    init: let_panics_be_caught(),
    |input: &[u8]| {
        let is_file = input.first().is_some_and(|byte| byte % 2 == 0);
        if let Ok(snapshot) = read("input.arrow", &damaged(input, whole(is_file)), 1, |file| file)
            && snapshot.rows() < 10_000
        {
            values(&snapshot);
        }
    }
);
