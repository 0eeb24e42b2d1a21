//! HTML and CSV.

use super::*;

const HOSTILE: [&str; 6] = [
    "</script><script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "<!-- & &amp; -->",
    "\u{202e}txt.exe\u{0}",
    "</td></table><style>*{display:none}</style>",
];

fn hostile() -> Report {
    let rows = |suffix: &str| {
        let rows = HOSTILE.iter().map(
            |text| serde_json::json!({"<id>": text, "</script><b>": format!("{text}{suffix}")}),
        );
        snapshot(&Json::Array(rows.collect()).to_string())
    };
    let document = document(
        serde_json::json!({"name": HOSTILE[0], "tenant": HOSTILE[1], "resource": HOSTILE[2], "key": ["<id>"]}),
    );
    let provenance = crate::Provenance::read(HOSTILE[0], HOSTILE[1])
        .with_read_id(HOSTILE[5])
        .with_read_at(HOSTILE[2]);
    document.compare(&run(), &rows("1").with_provenance(provenance), &rows("2")).unwrap()
}

#[test]
fn no_value_becomes_markup() {
    let html = hostile().html().unwrap();
    let plain = varied().html().unwrap();
    for tag in ["<script", "</script", "<style", "<img", "<b>", "<!--"] {
        assert_eq!(html.matches(tag).count(), plain.matches(tag).count(), "{tag}");
    }
    // An attribute would need a quote: every one in a value is escaped.
    assert!(!html.contains("' onmouseover='") && !html.contains("\"><img"));
    assert!(!html.contains('\0') && html.contains("&lt;/script&gt;&lt;script&gt;"));
}

#[test]
fn the_page_needs_nothing_else_and_says_what_it_leaves_out() {
    let row = |i: usize| format!(r#"{{"id":{i}}}"#);
    let many: Vec<String> = (0..1200).map(row).collect();
    let document = document(serde_json::json!({"name": "n", "key": ["id"]}));
    let html = compare(&document, &format!("[{}]", many.join(",")), "[{\"id\":0}]").html().unwrap();
    assert!(html.contains("The first 1,000 of 1,199"), "says that it is cut");
    assert_eq!(html.matches("<tr title=").count(), 1000);
    assert!(!html.contains("http://") && !html.contains("https://") && !html.contains(" src="));
    let same = compare(&document, "[{\"id\":0}]", "[{\"id\":0}]").html().unwrap();
    assert!(same.contains("Both sides agree"));
}

#[test]
fn values_that_look_alike_are_told_apart() {
    let document = document(serde_json::json!({"name": "n", "key": ["id"]}));
    let long = "x".repeat(700);
    let expected = format!(r#"[{{"id":1,"v":""}},{{"id":2,"v":"{long}"}}]"#);
    let html =
        compare(&document, &expected, r#"[{"id":1,"v":null},{"id":2,"v":"y"}]"#).html().unwrap();
    assert!(
        html.contains(">empty<") && html.contains(">null<") && html.contains("100 more characters")
    );
}

#[test]
fn csv_is_that_of_the_rfc() {
    let document = document(serde_json::json!({"name": "n", "key": ["id"]}));
    let report = compare(
        &document,
        r#"[{"id":"a,b","v":"say \"hi\""},{"id":"c","v":""},{"id":"d","v":"two\nlines"}]"#,
        r#"[{"id":"a,b","v":"=1+1"},{"id":"c","v":null},{"id":"d","v":"é"}]"#,
    );
    let mut csv = Vec::new();
    report.write_csv(&mut csv).unwrap();
    let ids = ids(&report);
    let want = format!(
        "finding_id,kind,id,field,expected,actual\r\n\
         {},changed,\"a,b\",v,\"say \"\"hi\"\"\",=1+1\r\n\
         {},changed,c,v,\"\",\r\n\
         {},changed,d,v,\"two\nlines\",é\r\n",
        ids[0], ids[1], ids[2]
    );
    assert_eq!(String::from_utf8(csv).unwrap(), want);
}

#[test]
fn files_are_written_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let (html, csv) = (folder.path().join("r.html"), folder.path().join("r.csv"));
    varied().to_html(&html).unwrap();
    varied().to_csv(&csv).unwrap();
    assert_eq!(std::fs::read_to_string(html).unwrap(), varied().html().unwrap());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is left beside them");
    let error = varied().to_csv(folder.path().join("no/such/folder.csv")).unwrap_err();
    assert_eq!(error.kind(), crate::Kind::Unavailable);
}
