//! What a changed file looks like: what was not changed stays as it was.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests may stop at the first surprise"
)]

use std::fs;
use std::io::{Read, Write};
use std::path::PathBuf;

use trueup_connector::{
    Change, Connector, Context, Field, LogicalType, Operation, Receipt, Retry, Role, Value,
};
use trueup_files::{FileSettings, Files, Settings};
use trueup_testkit::block_on;
use trueup_testkit::conformance::apply_unguarded;

struct Written {
    path: PathBuf,
    files: Files,
    _folder: tempfile::TempDir,
}

fn file(name: &str, bytes: &[u8], settings: impl FnOnce(FileSettings) -> FileSettings) -> Written {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    let settings = settings(FileSettings::new(&path).with_name("t").with_key(["id"]));
    let files = Files::new(Settings::default().with_file(settings)).unwrap();
    Written { path, files, _folder: folder }
}

fn change(operation: Operation, id: i64, before: &str, after: &str) -> Change {
    let mut change = Change::new("t", operation, vec![Value::from(id)]);
    let values = |json: &str| {
        let members: serde_json::Map<_, _> = serde_json::from_str(json).unwrap();
        members.into_iter().map(|(name, v)| (name, Value::from_json(&v).unwrap())).collect()
    };
    (change.before, change.after) = (values(before), values(after));
    change
}

fn create(id: i64, after: &str) -> Change {
    change(Operation::Create, id, "{}", after)
}

fn update(id: i64, after: &str) -> Change {
    change(Operation::Update, id, "{}", after)
}

fn delete(id: i64) -> Change {
    change(Operation::Delete, id, "{}", "{}")
}

impl Written {
    fn apply(&self, changes: impl Into<Vec<Change>>) -> Vec<String> {
        let writer = self.files.writer().unwrap();
        let receipts = apply_unguarded(&*writer, Context::new(), changes.into());
        let shown = |receipt| match receipt {
            Receipt::Done { .. } => "done".to_owned(),
            Receipt::Stale => "stale".to_owned(),
            Receipt::Refused(error) => format!("refused {}: {error}", error.kind()),
            Receipt::Failed(error) => format!("failed {}: {error}", error.kind()),
            other => format!("{other:?}"),
        };
        block_on(receipts).unwrap().into_iter().map(shown).collect()
    }

    fn done(&self, changes: impl Into<Vec<Change>>) {
        let receipts = self.apply(changes);
        assert!(receipts.iter().all(|receipt| receipt == "done"), "{receipts:?}");
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.path).unwrap()
    }
}

#[test]
fn what_is_not_changed_in_csv_stays_byte_for_byte() {
    let old = "\u{feff}id;\"the name\";price;note\r\n# by hand\r\n1;\"a\";1.50;\"x;y\"\r\n\r\n2;b;0.07;\r\n3;\"c\"\"\";10.00;NULL\r\n# end\r\n4;d;2.25;z";
    let written = file("t.csv", old.as_bytes(), |file| {
        let mut file = file.with_delimiter(';');
        (file.csv.comment, file.csv.null) = (Some('#'), "NULL".into());
        file
    });
    written.done([
        update(1, r#"{"price":2.5}"#),
        update(3, r#"{"the name":"a\r\nb","note":"NULL"}"#),
        delete(2),
        create(5, r##"{"the name":"#","price":7,"note":null}"##),
    ]);
    let new = "\u{feff}id;\"the name\";price;note\r\n# by hand\r\n1;\"a\";2.50;\"x;y\"\r\n\r\n3;\"a\r\nb\";10.00;\"NULL\"\r\n# end\r\n4;d;2.25;z\r\n5;#;7.00;NULL\r\n";
    assert_eq!(written.text(), new);
    written.done([delete(4)]);
    assert_eq!(written.text(), new.replace("4;d;2.25;z\r\n", ""));
}

#[test]
fn decimals_stand_as_the_column_has_them() {
    let written = file("t.csv", b"id,n\n1,1.5\n2,2\n3,3.25\n", |file| file);
    written.done([update(1, r#"{"n":{"decimal":"2.50"}}"#), create(4, r#"{"n":7}"#)]);
    assert_eq!(written.text(), "id,n\n1,2.5\n2,2\n3,3.25\n4,7\n");
}

#[test]
fn what_is_not_changed_in_json_stays_byte_for_byte() {
    let old = "[\n  {\"id\": 1, \"n\": 1e2 , \"tags\": [ \"x\" ]},\n  {\"n\" : 5, \"id\":2},\n  {\"id\": 3, \"n\": 7}\n]\n";
    let written =
        file("t.json", old.as_bytes(), |file| file.with_field(Field::new("n", LogicalType::Float)));
    written.done([update(2, r#"{"n":6.5,"tags":{"list":["a\n"]}}"#), create(4, r#"{"n":null}"#)]);
    let new = "[\n  {\"id\": 1, \"n\": 1e2 , \"tags\": [ \"x\" ]},\n  {\"n\" : 6.5, \"id\":2,\"tags\":[\"a\\n\"]},\n  {\"id\": 3, \"n\": 7},\n  {\"id\":4,\"n\":null,\"tags\":null}\n]\n";
    assert_eq!(written.text(), new);
    // The first record says in which order the columns are.
    let receipts = written.apply([delete(1)]);
    assert!(receipts[0].contains("in another order; declare them"), "{receipts:?}");
    assert_eq!(written.text(), new);
    written.done([delete(2), delete(4), update(3, r#"{"tags":{"list":[]}}"#)]);
    assert_eq!(
        written.text(),
        "[\n  {\"id\": 1, \"n\": 1e2 , \"tags\": [ \"x\" ]},\n  {\"id\": 3, \"n\": 7,\"tags\":[]}]\n"
    );
}

#[test]
fn lines_of_json_stay_as_they_are() {
    let old = "{\"id\":1, \"s\":\"\\u00e9\"}\r\n{\"id\":2,\"s\":\"b\"}";
    let written = file("t.jsonl", old.as_bytes(), |file| file);
    written.done([update(2, r#"{"s":"ß"}"#), create(3, r#"{"s":"\u0000"}"#)]);
    let new = "{\"id\":1, \"s\":\"\\u00e9\"}\r\n{\"id\":2,\"s\":\"ß\"}\r\n{\"id\":3,\"s\":\"\\u0000\"}\r\n";
    assert_eq!(written.text(), new);
}

#[test]
fn what_would_be_read_as_something_else_is_not_written() {
    let old = b"id,code,n\n1,a,5\n2,007,6\n";
    let written = file("t.csv", old, |file| file);
    let receipts = written.apply([
        update(1, r#"{"code":"8"}"#),
        update(2, r#"{"code":"8"}"#),
        update(1, r#"{"n":5.5}"#),
        update(1, r#"{"n":"five"}"#),
        update(2, r#"{"n":7}"#),
    ]);
    assert_eq!((receipts[0].as_str(), receipts[4].as_str()), ("done", "done"));
    assert!(receipts[1].contains("would be read as int instead of text"), "{receipts:#?}");
    assert!(receipts[2].contains("does not fit the type int"), "{receipts:#?}");
    assert!(receipts[3].contains("does not fit the type int"), "{receipts:#?}");
    assert_eq!(written.text(), "id,code,n\n1,8,5\n2,007,7\n");
    let declared =
        file("t.csv", old, |file| file.with_field(Field::new("code", LogicalType::Text)));
    declared.done([update(2, r#"{"code":"8"}"#), update(1, r#"{"code":"9"}"#)]);
    let bare = file("t.csv", b"id,s\n1,a\n", |mut file| {
        file.csv.quote = None;
        file
    });
    let receipts = bare.apply([update(1, r#"{"s":"a,b"}"#)]);
    assert!(receipts[0].contains("cannot be written with this delimiter"), "{receipts:#?}");
    bare.done([update(1, r#"{"s":"\"b\""}"#)]);
    assert_eq!(bare.text(), "id,s\n1,\"b\"\n");
}

#[test]
fn compressed_files_stay_compressed_and_rights_stay() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(b"id,s\n1,a\n").unwrap();
    let written = file("t.csv.gz", &packed.finish().unwrap(), |file| file);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&written.path, fs::Permissions::from_mode(0o640)).unwrap();
    }
    written.done([create(2, r#"{"s":"b"}"#)]);
    let mut text = String::new();
    let bytes = fs::read(&written.path).unwrap();
    flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
    assert_eq!(text, "id,s\n1,a\n2,b\n");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&written.path).unwrap().permissions().mode() & 0o777, 0o640);
    }
}

#[test]
fn what_cannot_be_written_says_why_and_stays() {
    let latin = file("t.csv", b"id,s\n1,\xe9\n", |file| file.with_encoding("windows-1252"));
    let receipts = latin.apply([update(1, r#"{"s":"a"}"#)]);
    assert!(
        receipts[0].starts_with("refused unsupported: text is written in UTF-8 only"),
        "{receipts:?}"
    );
    let twice = file("t.csv", b"id,s\n1,a\n1,b\n2,c\n", |file| file);
    let receipts = twice.apply([delete(1), delete(2), delete(3)]);
    assert!(receipts[0].contains("2 records have this key"), "{receipts:?}");
    assert_eq!(receipts[1..], ["done", "done"]);
    let broken = file("t.csv", b"id,s\n1,a,b\n", |file| file);
    let receipts = broken.apply([delete(1)]);
    assert!(receipts[0].starts_with("refused data"), "{receipts:?}");
    assert_eq!(broken.text(), "id,s\n1,a,b\n");
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("t.csv"), "id\n1\n").unwrap();
    assert!(Files::open(folder.path().join("t.csv")).unwrap().writer().is_none());
}

#[test]
fn a_version_is_a_precondition() {
    let version = Field::new("etag", LogicalType::Text).with_role(Role::Version);
    let written = file("t.csv", b"id,etag,s\n1,x7,a\n", |file| file.with_field(version));
    let on = |version: &str, after: &str| {
        let mut change = update(1, after);
        change.version = Some(version.into());
        change
    };
    let receipts = written.apply([on("x6", r#"{"s":"b"}"#), on("x7", r#"{"s":"c"}"#)]);
    assert_eq!(receipts, ["stale", "done"]);
}

#[cfg(unix)]
#[test]
fn a_link_stays_a_link() {
    let written = file("t.csv", b"id,s\n1,a\n", |file| file);
    let link = written.path.with_file_name("link.csv");
    std::os::unix::fs::symlink(&written.path, &link).unwrap();
    let settings = FileSettings::new(&link).with_name("t").with_key(["id"]);
    let files = Files::new(Settings::default().with_file(settings)).unwrap();
    let writer = files.writer().unwrap();
    let changes = vec![update(1, r#"{"s":"b"}"#)];
    let receipts = block_on(apply_unguarded(&*writer, Context::new(), changes)).unwrap();
    assert!(matches!(receipts.as_slice(), [Receipt::Done { .. }]), "{receipts:?}");
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(written.text(), "id,s\n1,b\n");
}

#[test]
fn writers_of_a_file_wait_for_each_other() {
    use fs4::fs_std::FileExt;
    let written = file("t.csv", b"id,s\n1,a\n", |file| file);
    let lock = fs::File::create(written.path.with_file_name(".t.csv.lock")).unwrap();
    FileExt::lock_exclusive(&lock).unwrap();
    let writer = written.files.writer().unwrap();
    let context = Context::new();
    let call = apply_unguarded(&*writer, context.clone(), vec![delete(1)]);
    let receipts = block_on(async {
        let cancel = async {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            context.cancel();
        };
        tokio::join!(call, cancel).0
    });
    let receipts = receipts.unwrap();
    let [Receipt::Refused(error)] = receipts.as_slice() else { panic!("{receipts:?}") };
    assert_eq!(error.retry(), Retry::Never);
    FileExt::unlock(&lock).unwrap();
    written.done([update(1, r#"{"s":"b"}"#)]);
}
