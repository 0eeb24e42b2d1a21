//! What JSON files become, and what bad ones get.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests may stop at the first surprise"
)]

mod common;

use common::{check_error, read, rows, types, write};
use proptest::prelude::*;
use trueup_connector::{Context, Field, Kind, LogicalType, Schema};
use trueup_files::{FileSettings, Files, Settings};

/// The same records as lines and as an array.
#[track_caller]
fn check(records: &[&str], want_types: &str, want: &[&str]) {
    let lines = records.join("\n");
    let array = format!(" [\n{}\n]\n", records.join(",\n"));
    for (name, text) in [("t.jsonl", &lines), ("t.json", &array)] {
        let snapshot = read(name, text.as_bytes(), |file| file).unwrap();
        assert_eq!(types(&snapshot), want_types, "{name}");
        assert_eq!(rows(&snapshot), want, "{name}");
    }
}

#[track_caller]
fn fails(name: &str, text: &str, line: u64, words: &str) {
    check_error(read(name, text.as_bytes(), |file| file), line, words);
}

#[test]
fn numbers_keep_every_digit() {
    check(
        &[
            r#"{"big":9007199254740993,"sum":1.10,"huge":123456789012345678901234567890,"f":1e-7}"#,
            r#"{"big":-1,"sum":12.5,"huge":1,"f":0.30000000000000004}"#,
            r#"{"big":0,"sum":3,"huge":-0,"f":-0.0}"#,
        ],
        "int decimal(4,2) decimal(30,0) float",
        &[
            "9007199254740993|1.10|123456789012345678901234567890|1e-7",
            "-1|12.50|1|0.30000000000000004",
            "0|3.00|0|-0.0",
        ],
    );
}

#[test]
fn texts_are_texts_or_times() {
    check(
        &[
            r#"{"a":"12","d":"2026-01-31","t":"2026-01-31T10:00:00Z","e":"\u00e9\n\"","b":true}"#,
            r#"{"b":null,"a":"","d":"2026-02-01","t":"2026-01-31T10:00:00+01:00"}"#,
        ],
        "text date instant text bool",
        &["12|2026-01-31|2026-01-31T10:00:00Z|é\n\"|true", "|2026-02-01|2026-01-31T09:00:00Z|∅|∅"],
    );
}

#[test]
fn lists_and_objects() {
    check(
        &[
            r#"{"tags":["a","b"],"at":{"lat":1.5,"zone":null,"n":9007199254740993}}"#,
            r#"{"tags":[],"at":{"lat":2.25,"more":[1]}}"#,
            r#"{"tags":null}"#,
        ],
        "list<text> struct<lat:decimal(3,2),zone:null,n:int,more:list<int>>",
        &[
            r#"["a","b"]|{"lat":"1.50","zone":null,"n":9007199254740993,"more":null}"#,
            r#"[]|{"lat":"2.25","zone":null,"n":null,"more":[1]}"#,
            "∅|∅",
        ],
    );
}

#[test]
fn blank_lines_are_no_records_and_marks_are_no_text() {
    let text = b"\xef\xbb\xbf{\"a\":1}\r\n\n  \n{\"a\":2}";
    assert_eq!(rows(&read("t.ndjson", text, |file| file).unwrap()), ["1", "2"]);
    let text: Vec<u8> =
        "\u{feff}[{\"a\":\"é\"}]".encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert_eq!(rows(&read("t.json", &text, |file| file).unwrap()), ["é"]);
}

#[test]
fn bad_records_are_named() {
    fails("t.jsonl", "{\"a\":1}\n\n{\"a\":1,}\n", 3, "");
    fails("t.jsonl", "{\"a\":1}\n[1]\n", 2, "not a JSON object");
    fails("t.jsonl", "{\"a\":1}\n{\"a\":1,\"a\":2}\n", 2, "`a` stands twice");
    fails("t.jsonl", "{\"a\":1}\n{\"a\":1} {\"a\":2}\n", 2, "trailing");
    fails(
        "t.jsonl",
        "{\"a\":1}\n{\"a\":\"x\"}\n",
        0,
        "`\"x\"` in line 2 is text, but the values before it are a number",
    );
    fails("t.jsonl", "{\"a\":{\"b\":1}}\n{\"a\":{\"b\":[]}}\n", 0, "`[]` in line 2 is a list");
    fails("t.jsonl", "{\"a\":1e999}\n", 0, "`1e999` in line 1 is not a float");
    fails("t.jsonl", "", 0, "no records");
    fails("t.json", "{\"a\":1}", 1, "one object a line is `json_lines`");
    fails("t.json", "[{\"a\":1},\n{\"a\":2}", 2, "never closed");
    fails("t.json", "[{\"a\":1},\n]", 2, "nothing where a record should be");
    fails("t.json", "[{\"a\":1}]\nx", 1, "after the end of the array");
    fails("t.json", "[\n{\"a\":1}, 2]", 2, "not a JSON object");
    fails("t.json", &format!("[{}]", "[".repeat(500)), 0, "");
    fails(
        "t.jsonl",
        &format!("{{\"a\":{}1{}}}", "[".repeat(500), "]".repeat(500)),
        1,
        "more than 64 deep",
    );
    check_error(read("t.jsonl", b"{\"a\":1}\n{\"a\":\"\xff\"}", |file| file), 2, "not UTF-8");
}

#[test]
fn declared_types_are_held() {
    let schema =
        |ty: &str| Schema::new([Field::new("a", ty.parse::<LogicalType>().unwrap())]).unwrap();
    let read = |ty: &str, text: &str| {
        read("t.jsonl", text.as_bytes(), |file| file.with_schema(schema(ty))).map(|s| rows(&s))
    };
    assert_eq!(
        read("decimal(5,2)", "{\"a\":\"1.5\"}\n{\"a\":2}\n{}").unwrap(),
        ["1.50", "2.00", "∅"]
    );
    assert_eq!(read("int", "{\"a\":5.0}").unwrap(), ["5"]);
    assert_eq!(read("bytes", "{\"a\":\"00ff\"}").unwrap(), ["00ff"]);
    assert_eq!(
        read("instant", "{\"a\":\"9999-12-31T00:00:00Z\"}").unwrap(),
        ["9999-12-31T00:00:00Z"]
    );
    assert_eq!(
        read("list<date>", "{\"a\":[\"2026-01-31\",null]}").unwrap(),
        [r#"["2026-01-31",null]"#]
    );
    for (ty, text, words) in [
        ("int", "{\"a\":1}\n{\"a\":1.5}", "`1.5` does not fit the type int (file: "),
        ("text", "{\"a\":1}", "`1` does not fit the type text"),
        ("list<int>", "{\"a\":[1,\"x\"]}", "`\"x\"` does not fit the type int"),
        ("int", "{\"b\":1}", "member `b`, which is not declared"),
        ("struct<x:int>", "{\"a\":{\"y\":1}}", "does not fit the type struct<x:int>"),
    ] {
        let error = read(ty, text).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(error.kind(), Kind::Data);
    }
}

#[test]
fn big_files_are_read_in_pieces() {
    let records: Vec<String> =
        (0..60_000).map(|i| format!("{{\"id\":{i},\"text\":\"a, ] [ {i:0100}\"}}")).collect();
    for (name, text) in
        [("t.jsonl", records.join("\n")), ("t.json", format!("[{}]", records.join(",")))]
    {
        let (_folder, path) = write(name, text.as_bytes());
        let mut all = Vec::new();
        for threads in [1, 3] {
            let settings =
                Settings::default().with_file(FileSettings::new(&path)).with_threads(threads);
            let snapshot =
                Files::new(settings).unwrap().read_blocking(&Context::new(), "t").unwrap();
            assert!(snapshot.batches().len() > 1);
            all.push(rows(&snapshot));
        }
        assert_eq!(all[0].len(), 60_000);
        assert_eq!(all[0], all[1]);
    }
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<i64>().prop_map(Into::into),
        any::<bool>().prop_map(Into::into),
        ".{0,6}".prop_map(Into::into),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Into::into),
            prop::collection::btree_map("[a-c]", inner, 0..3)
                .prop_map(|m| serde_json::Value::Object(m.into_iter().collect())),
        ]
    })
}

proptest! {
    /// Lines and arrays of the same objects give the same, or fail in the same way.
    #[test]
    fn lines_and_arrays_agree(values in prop::collection::vec(json(), 1..5)) {
        let records: Vec<String> = values.iter().map(|v| format!("{{\"v\":{v}}}")).collect();
        let lines = read("t.jsonl", records.join("\n").as_bytes(), |file| file);
        let array = read("t.json", format!("[{}]", records.join("\n,")).as_bytes(), |file| file);
        match (lines, array) {
            (Ok(lines), Ok(array)) => {
                prop_assert_eq!(types(&lines), types(&array));
                prop_assert_eq!(rows(&lines), rows(&array));
            }
            (Err(lines), Err(array)) => prop_assert_eq!(lines.kind(), array.kind()),
            (lines, array) => prop_assert!(false, "{:?} {:?}", lines.err(), array.err()),
        }
    }
}
