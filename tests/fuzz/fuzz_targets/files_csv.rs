//! CSV: the quick scan is the careful one, and threads change nothing.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trueup_files::{CsvSettings, FileSettings};
use trueup_fuzz::{read, values};

fn settings(choice: u8) -> impl Fn(FileSettings) -> FileSettings {
    move |file| {
        let mut csv = CsvSettings::default();
        csv.header = choice & 1 == 0;
        csv.quote = (choice & 2 == 0).then_some('"');
        csv.comment = (choice & 4 != 0).then_some('#');
        csv.quoted_null = choice & 8 != 0;
        csv.null = if choice & 16 == 0 { String::new() } else { "NA".into() };
        let encodings = [None, Some("utf-16le"), Some("windows-1252"), Some("shift_jis")];
        let file = file.with_csv(csv).with_record_limit(1 << 16);
        match encodings[usize::from(choice >> 6)] {
            Some(encoding) => file.with_encoding(encoding),
            None => file,
        }
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((choice, bytes)) = input.split_first() else { return };
    trueup_files::fuzzing::csv(bytes, 1 + usize::from(choice % 4));
    let one = read("input.csv", bytes, 1, settings(*choice));
    let three = read("input.csv", bytes, 3, settings(*choice));
    match (one, three) {
        (Ok(one), Ok(three)) => assert_eq!(values(&one), values(&three)),
        (Err(one), Err(three)) => assert_eq!(one.to_string(), three.to_string()),
        (one, three) => panic!("{one:?} {three:?}"),
    }
});
