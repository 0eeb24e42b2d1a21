//! JSON: lines and arrays of the same records give the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trueup_fuzz::{read, values};

fuzz_target!(|bytes: &[u8]| {
    let same = |file| file;
    let _ = read("input.json", bytes, 2, same);
    if let Ok(lines) = read("input.jsonl", bytes, 2, same) {
        let records =
            bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
        let records: Vec<&[u8]> =
            records.map(|line| line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line)).collect();
        let array = [b"[".as_slice(), &records.join(&b",\n"[..]), b"]"].concat();
        // A byte order mark makes another encoding of some inputs; those are left out.
        if std::str::from_utf8(bytes).is_ok() {
            let array = read("input.json", &array, 1, same).expect("what lines hold an array can");
            assert_eq!(values(&lines), values(&array));
        }
    }
});
