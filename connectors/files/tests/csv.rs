//! What CSV files become, and what bad ones get.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests may stop at the first surprise"
)]

mod common;

use common::{check_error, rows, types, write};
use proptest::prelude::*;
use trueup_connector::{Context, Field, Kind, LogicalType, Result, Schema, Snapshot};
use trueup_files::{CsvSettings, FileSettings, Files, Settings};

const NAME: &str = "stock.csv";

fn read_as(bytes: &[u8], change: impl FnOnce(FileSettings) -> FileSettings) -> Result<Snapshot> {
    common::read(NAME, bytes, change)
}

/// `types` and the rows, each as one line.
#[track_caller]
fn check(bytes: &[u8], types: &str, want: &[&str]) {
    check_as(bytes, |file| file, types, want);
}

#[track_caller]
fn check_as(
    bytes: &[u8],
    change: impl FnOnce(FileSettings) -> FileSettings,
    want_types: &str,
    want: &[&str],
) {
    let snapshot = read_as(bytes, change).unwrap();
    assert_eq!(
        (types(&snapshot).as_str(), rows(&snapshot)),
        (want_types, want.iter().map(|row| (*row).to_owned()).collect())
    );
}

#[track_caller]
fn fails(bytes: &[u8], line: u64, words: &str) {
    fails_as(bytes, |file| file, line, words);
}

#[track_caller]
fn fails_as(
    bytes: &[u8],
    change: impl FnOnce(FileSettings) -> FileSettings,
    line: u64,
    words: &str,
) {
    check_error(read_as(bytes, change), line, words);
}

#[test]
fn types_are_the_narrowest_that_lose_nothing() {
    check(
        b"a,b,c,d,e,f,g\n1,1.50,007,true,2026-01-31,2026-01-31T10:00:00Z,x\n-2,0.25,7,false,2024-02-29,2026-01-31T10:00:00.5Z,\n",
        "int decimal(3,2) text bool date instant text",
        &[
            "1|1.50|007|true|2026-01-31|2026-01-31T10:00:00Z|x",
            "-2|0.25|7|false|2024-02-29|2026-01-31T10:00:00.5Z|∅",
        ],
    );
}

#[test]
fn numbers_that_no_float_holds_are_text() {
    check(
        b"a,b,c\n1e-400,3e-324,1.23456789e-320\n",
        "text text text",
        &["1e-400|3e-324|1.23456789e-320"],
    );
    check(b"a,b\n5e-324,0e0\n", "float float", &["5e-324|0.0"]);
    check(b"a\n1\n-9223372036854775808\n", "int", &["1", "-9223372036854775808"]);
    check(b"a\n-9223372036854775808\n1.5\n", "decimal(20,1)", &["-9223372036854775808.0", "1.5"]);
    let declared = |file: FileSettings| {
        file.with_schema(Schema::new([Field::new("a", LogicalType::Float)]).unwrap())
    };
    for text in ["1e-400", "3e-324", "1.23456789e-320"] {
        fails_as(format!("a\n{text}\n").as_bytes(), declared, 2, text);
    }
}

#[test]
fn an_empty_field_is_null_and_an_empty_quoted_one_is_not() {
    check(b"a,b\n1,\n2,\"\"\n", "int text", &["1|∅", "2|"]);
    let quoted = |mut csv: CsvSettings| {
        csv.quoted_null = true;
        csv.null = "NA".into();
        csv
    };
    let file = |file: FileSettings| file.with_csv(quoted(CsvSettings::default()));
    check_as(b"a,b\nNA,\n\"NA\",2\n", file, "null text", &["∅|", "∅|2"]);
}

#[test]
fn quotes_line_ends_and_delimiters_in_fields() {
    check(
        b"\xef\xbb\xbfa,\"b \"\"x\"\"\"\r\n\"1,2\",\"line\r\ntwo\"\r\n\r\n\"say \"\"hi\"\"\",\xc3\xa9",
        "text text",
        &["1,2|line\r\ntwo", "say \"hi\"|é"],
    );
}

#[test]
fn a_column_alone_has_nulls_in_blank_lines() {
    check(b"a\n1\n\n3\n", "int", &["1", "∅", "3"]);
}

#[test]
fn tabs_comments_and_no_header() {
    let file = |mut file: FileSettings| {
        file.csv.header = false;
        file.csv.comment = Some('#');
        file.with_delimiter('\t')
    };
    check_as(b"# \"one\n1\tx\n#2\ty\n3\tz", file, "int text", &["1|x", "3|z"]);
}

#[test]
fn quotes_can_be_text() {
    let file = |mut file: FileSettings| {
        file.csv.quote = None;
        file
    };
    check_as(b"a,b\n5\" disk,\"\n", file, "text text", &["5\" disk|\""]);
}

#[test]
fn bad_records_are_named() {
    fails(b"a,b\n1,2\n3\n", 3, "the record has 1 field, not the 2 of the others");
    fails(b"a,b\n\"1\n\",2\n3,4,5\n", 4, "the record has 3 fields");
    fails(b"a,b\n1,2\n5\" disk,3\n", 3, "a quote inside a field");
    fails(b"a,b\n1,2\n\"x\"y,3\n", 3, "text after the closing quote");
    fails(b"a,b\n1,2\n\"x,3\n4,5\n", 3, "never closed");
    fails(b"a,b\n1,2\n3,\0\n", 3, "NUL");
    fails(b"a,b\n1,2\n3,\xe9\n", 3, "not UTF-8");
    fails(b"", 0, "empty");
    fails(b"a,a\n1,2\n", 0, "the column name `a` stands twice, as column 1 and 2");
    fails(b"a,,c\n1,2,3\n", 1, "column 2 has no name");
    fails(b"a,b\r1,2\r", 1, "carriage return");
    fails(b"a,\xff\n1,2\n", 1, "not UTF-8");
}

fn declared(types: &[(&str, LogicalType)]) -> Schema {
    Schema::new(types.iter().map(|(name, ty)| Field::new(*name, ty.clone()))).unwrap()
}

#[test]
fn declared_types_are_held() {
    let schema = declared(&[("b", LogicalType::Decimal(10, 2)), ("a", LogicalType::Text)]);
    let file = |file: FileSettings| file.with_schema(schema.clone());
    check_as(b"a,b\n007,1\n,2.5\n", file, "decimal(10,2) text", &["1.00|007", "2.50|∅"]);
    let wrong = |file: FileSettings| file.with_schema(schema.clone());
    fails_as(
        b"a,b\n1,2\n\n\"x\ny\",twelve\n",
        wrong,
        5,
        "`twelve` does not fit the type decimal(10,2)",
    );
    let missing = |file: FileSettings| file.with_schema(schema.clone());
    fails_as(b"a,c\n1,2\n", missing, 0, "the file has the column `c`, which is not declared");
}

#[test]
fn a_secret_is_not_shown() {
    let field = || Field::new("pin", LogicalType::Int).secret();
    let error = read_as(b"pin\n12x4\n", |file| file.with_field(field())).unwrap_err();
    assert!(error.to_string().starts_with("`‹secret›` does not fit"), "{error}");
    assert!(!format!("{error:?}").contains("12x4"));
}

#[test]
fn wrong_settings_are_named() {
    let check = |change: fn(FileSettings) -> FileSettings, words: &str| {
        let error = read_as(b"a,b\n1,2\n", change).unwrap_err();
        assert_eq!(error.kind(), Kind::Invalid, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    };
    check(
        |file| file.with_key(["aa"]),
        "the key `aa` is not a column of the file; did you mean `a`?",
    );
    check(|file| file.with_encoding("klingon"), "unknown encoding `klingon`");
    check(|file| file.with_delimiter('"'), "different characters");
    check(|file| file.with_delimiter('x'), "delimiter `x`");
    check(|file| file.with_record_limit(0), "record limit");
}

#[test]
fn other_encodings_are_read_strictly() {
    let latin = |file: FileSettings| file.with_encoding("windows-1252");
    check_as(b"a\ncaf\xe9\n", latin, "text", &["café"]);
    let utf16: Vec<u8> =
        "\u{feff}a,b\r\n1,é\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    check(&utf16, "int text", &["1|é"]);
    let broken = [b"a\n1\nx\x81\n".as_slice(), b"\xff\xff"].concat();
    fails_as(&broken, |file| file.with_encoding("shift_jis"), 3, "not Shift_JIS");
}

#[test]
fn many_threads_and_pieces_give_the_same() {
    let mut text = String::from("id,name\n");
    for i in 0..60_000 {
        text.push_str(&format!(
            "{i},\"line\n{i}, \"\"quoted\"\" and a rather long text to fill the pieces {i:090}\"\n"
        ));
    }
    let (_folder, path) = write(NAME, text.as_bytes());
    let read = |threads| {
        let settings =
            Settings::default().with_file(FileSettings::new(&path)).with_threads(threads);
        Files::new(settings).unwrap().read_blocking(&Context::new(), "stock").unwrap()
    };
    let (one, many) = (read(1), read(5));
    assert!(many.batches().len() > one.batches().len());
    assert_eq!(rows(&one), rows(&many));
}

#[test]
fn errors_in_later_pieces_have_their_lines() {
    let mut text = String::from("id,name\n");
    for i in 0..300_000 {
        text.push_str(&format!("{i},\"a\nb {i:020}\"\n"));
    }
    text.push_str("1,2,3\n");
    for threads in [1, 3] {
        let (_folder, path) = write(NAME, text.as_bytes());
        let settings =
            Settings::default().with_file(FileSettings::new(&path)).with_threads(threads);
        let error =
            Files::new(settings).unwrap().read_blocking(&Context::new(), "stock").unwrap_err();
        assert!(error.to_string().contains("line: 600002"), "{error}");
    }
}

#[test]
fn a_record_without_end_is_refused() {
    let text = [b"a\n\"".as_slice(), &vec![b'x'; 9 << 20]].concat();
    let error = read_as(&text, |file| file.with_record_limit(1 << 20)).unwrap_err();
    assert_eq!(error.kind(), Kind::Limit);
    assert!(error.to_string().contains("line: 2"), "{error}");
}

#[test]
fn a_type_that_shows_late_is_still_the_type_of_all() {
    let mut text = String::from("id,sum,late\n");
    for i in 0..80_000 {
        text.push_str(&format!("{i},{}.25,\n", i % 7));
    }
    let (plain, late) = (text.clone() + "1,123456789.75,\n", text + "x,0.125,2026-01-31\n");
    let snapshot = read_as(plain.as_bytes(), |file| file).unwrap();
    assert_eq!((types(&snapshot).as_str(), snapshot.rows()), ("int decimal(11,2) null", 80_001));
    let snapshot = read_as(late.as_bytes(), |file| file).unwrap();
    assert_eq!(types(&snapshot), "text decimal(4,3) date");
    assert_eq!(rows(&snapshot)[1], "1|1.250|∅");
    assert_eq!(rows(&snapshot)[80_000], "x|0.125|2026-01-31");
}

proptest! {
    /// A file that is read in one go is what it is when its types are known before.
    #[test]
    fn once_is_twice(cells in prop::collection::vec(prop_oneof![
        3 => "-?[0-9]{1,3}", 2 => "[0-9]{1,2}\\.[0-9]{1,2}", 1 => "2026-01-0[1-9]", 1 => "true|x|\"\"|",
    ], 1..40)) {
        let text = format!("a\n{}\n", cells.join("\n"));
        let (_folder, path) = write(NAME, text.as_bytes());
        let files = Files::open(&path).unwrap();
        let once = files.read_blocking(&Context::new(), "stock").unwrap();
        let again = files.read_blocking(&Context::new(), "stock").unwrap();
        let described = Files::open(&path).unwrap();
        described.inference("stock").unwrap();
        let twice = described.read_blocking(&Context::new(), "stock").unwrap();
        prop_assert_eq!(rows(&once), rows(&again));
        prop_assert_eq!((once.schema(), rows(&once)), (twice.schema(), rows(&twice)));
        prop_assert_eq!(files.inference("stock").unwrap(), described.inference("stock").unwrap());
    }
}
