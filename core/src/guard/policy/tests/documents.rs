//! Documents: what is read, what is refused and where.

use super::super::{Policy, shape};

const HEAD: &str = "version = 1\nname = \"x\"\n";

#[track_caller]
fn refused(toml: &str, what: &str, line: usize, column: usize) {
    let error = Policy::from_toml(&format!("{HEAD}{toml}")).unwrap_err().to_string();
    assert!(error.contains(what), "{error}");
    assert!(error.ends_with(&format!("(line: {line}, column: {column})")), "{error}");
}

/// One rule with these lines; they begin in line 5.
#[track_caller]
fn rule_refused(lines: &str, what: &str, line: usize, column: usize) {
    refused(&format!("[[rule]]\nid = \"r\"\n{lines}"), what, line, column);
}

#[test]
fn unknown_members_and_words_are_answered_with_the_nearest() {
    refused("ruel = []", "unknown member `ruel` of the policy; did you mean `rule`?", 3, 8);
    rule_refused(
        "outcom = \"deny\"",
        "unknown member `outcom` of `rule`; did you mean `outcome`?",
        5,
        10,
    );
    rule_refused("outcome = \"denny\"", "`outcome` is `denny`; did you mean `deny`?", 5, 11);
    rule_refused("outcome = 3", "`outcome` is a whole number, where a word is asked for", 5, 11);
    rule_refused(
        "outcome = \"ask\"\nask = { role = \"a\" }",
        "unknown member `role` of `ask`; did you mean `roles`?",
        6,
        16,
    );
}

#[test]
fn numbers_and_lengths_have_bounds() {
    rule_refused(
        "outcome = \"ask\"\nask = { count = 0 }",
        "`count` is 0, where 1 to 20 is asked for",
        6,
        17,
    );
    rule_refused("limit = { share = \"0%\" }", "`share` is `0%`, where a share like `5%`", 5, 19);
    rule_refused("limit = { share = \"101%\" }", "`share` is `101%`", 5, 19);
    rule_refused("limit = { share = 0.05 }", "`share` is a number with a fraction", 5, 19);
    rule_refused(
        "rate = { count = 5, per = \"1y\" }",
        "`per` is `1y`, where a length of time",
        5,
        27,
    );
    rule_refused("rate = { count = 0, per = \"1h\" }", "`count` is 0", 5, 18);
    refused(
        "valid = \"0s\"\nrule = []",
        "`valid` is `0s`, where a length of time like `90s`, `30m`, `24h` or `7d`, from 1s to 30d",
        3,
        9,
    );
    refused("valid = \"31d\"\nrule = []", "`valid` is `31d`", 3, 9);
    rule_refused("actor = []\noutcome = \"deny\"", "`actor` is an empty list", 5, 9);
}

#[test]
fn conditions_are_checked_where_they_stand() {
    rule_refused(
        "outcome = \"deny\"\nwhen = \"facts.ownr == 'a'\"",
        "unknown fact `facts.ownr`",
        6,
        9,
    );
    rule_refused(
        "outcome = \"deny\"\nwhen = \"true && plan.deletes > 'a'\"",
        "`>` does not go between",
        6,
        17,
    );
    let nested =
        format!("outcome = \"deny\"\nwhen = \"{}true{}\"", "(".repeat(1_000), ")".repeat(1_000));
    rule_refused(&nested, "nested more than 64 deep", 6, 74);
    refused(
        "[facts]\nshares_id = \"bool\"\n[[rule]]\nid = \"r\"\noutcome = \"deny\"",
        "is there in every policy",
        4,
        13,
    );
}

#[test]
fn impossible_windows_are_refused() {
    let window = |text: &str| {
        format!("outcome = \"allow\"\nwindow = [{{ zone = \"Europe/Rome\", {text} }}]")
    };
    rule_refused(&window("from = \"18:00\", to = \"18:00\""), "never opens", 6, 11);
    rule_refused(&window("from = \"18:00\", to = \"06:00\""), "say `next_day = true`", 6, 11);
    rule_refused(
        &window("from = \"06:00\", to = \"18:00\", next_day = true"),
        "longer than a day",
        6,
        11,
    );
    rule_refused(&window("from = \"25:00\", to = \"26:00\""), "`from` is `25:00`", 6, 42);
    rule_refused(
        "outcome = \"allow\"\nwindow = [{ zone = \"Europe/Rom\", from = \"18:00\", to = \"19:00\" }]",
        "unknown zone `Europe/Rom`; did you mean `Europe/Rome`?",
        6,
        20,
    );
    rule_refused(
        "outcome = \"allow\"\nfreeze = [{ zone = \"UTC\", from = \"2027-01-04T08:00\", to = \"2026-12-20T18:00\" }]",
        "not after its start",
        6,
        11,
    );
    rule_refused(
        "outcome = \"allow\"\nfreeze = [{ zone = \"UTC\", from = \"2026-02-30T08:00\", to = \"2026-12-20T18:00\" }]",
        "`from` is `2026-02-30T08:00`",
        6,
        34,
    );
}

#[test]
fn contradictions_are_refused() {
    rule_refused("about = \"x\"", "rule `r` says nothing", 4, 6);
    rule_refused(
        "outcome = \"allow\"\nask = { count = 1 }",
        "says whom to ask but never asks",
        6,
        7,
    );
    rule_refused("outcome = \"allow\"\nrisk = \"R3\"", "R3 always asks", 5, 11);
    rule_refused("outcome = \"deny\"\nlimit = { at_most = 5 }", "its limits mean nothing", 5, 11);
    rule_refused(
        "outcome = \"allow\"\nlimit = { at_most = 0 }",
        "lets through what its limit of 0 denies",
        6,
        9,
    );
    rule_refused(
        "outcome = \"allow\"\nlimit = { at_least = 9, share = \"5%\", at_most = 5 }",
        "`at_least` is above its `at_most`",
        6,
        9,
    );
    rule_refused("outcome = \"allow\"\nlimit = { }", "without `share` and `at_most`", 6, 9);
    rule_refused("outcome = \"allow\"\nover = \"ask\"", "beyond a limit but has none", 6, 8);
    rule_refused("outcome = \"allow\"\nnever = true", "`never` means nothing", 6, 9);
    refused(
        "[[rule]]\nid = \"r\"\noutcome = \"deny\"\n[[rule]]\nid = \"r\"\noutcome = \"allow\"",
        "there are two rules `r`",
        7,
        6,
    );
}

#[test]
fn what_is_no_document_says_where() {
    for (text, line) in [("version = 1\nname = ", 2), ("version = 1\nversion = 1", 2)] {
        let error = Policy::from_toml(text).unwrap_err().to_string();
        assert!(error.contains("no TOML") && error.contains(&format!("line: {line}")), "{error}");
    }
    for (text, what, place) in [
        ("{\n  \"version\": 1,\n  \"name\": }", "no JSON", "line: 3"),
        ("{\n  \"version\": 1,\n  \"version\": 1\n}", "`version` is there twice", "line: 4"),
        (
            "{\n  \"version\": 2,\n  \"name\": \"x\"\n}",
            "`version` is 2, where 1 to 1 is asked for",
            "line: 2, column: 14",
        ),
        ("[1]", "is a list, where a table is asked for", "line: 1"),
        (
            "{\"version\": 1, \"name\": \"x\", \"rule\": [{}]}",
            "`rule` lacks `id`",
            "line: 1, column: 38",
        ),
    ] {
        let error = Policy::from_json(text).unwrap_err().to_string();
        assert!(error.contains(what) && error.contains(place), "{error}");
    }
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let error = Policy::from_json(&deep).unwrap_err().to_string();
    assert_eq!(error, "the policy is nested deeper than any policy can be (line: 1, column: 17)");
    assert!(Policy::from_toml(&format!("a = {deep}")).is_err());
}

#[test]
fn one_meaning_has_one_hash_in_both_forms() {
    let toml = r#"
        version = 1
        name = "x"
        [[rule]]
        id = "b"
        action = ["update", "create", "update"]
        outcome = "allow"
        [[rule]]
        id = "a"
        action = "delete"
        outcome = "ask"
        ask = { within = "24h" }
    "#;
    let json = r#"{ "name": "x", "version": 1, "rule": [
        { "id": "a", "action": ["delete"], "ask": { "within": "1d" }, "outcome": "ask" },
        { "id": "b", "outcome": "allow", "action": ["create", "update"] } ] }"#;
    let (one, other) = (Policy::from_toml(toml).unwrap(), Policy::from_json(json).unwrap());
    assert_eq!(one.hash(), other.hash());
    assert_eq!(one.to_json(), other.to_json());
    let changed = Policy::from_json(&json.replace("1d", "2d")).unwrap();
    assert_ne!(one, changed);
}

#[test]
fn shares_are_exact() {
    for (text, millionths) in [
        ("5%", Some(50_000)),
        ("0.25%", Some(2_500)),
        ("100%", Some(1_000_000)),
        ("0.0001%", Some(1)),
    ] {
        assert_eq!(shape::parse_share(text), millionths);
    }
    for text in ["5", "%", "5.%", "0%", "100.0001%", "-5%", "+5%", "5.00001%", " 5%", "٥%"] {
        assert_eq!(shape::parse_share(text), None, "{text}");
    }
}

#[test]
fn the_standard_policy_is_a_document_like_any_other() {
    let policy = Policy::standard().unwrap();
    assert!(policy.rule_ids().any(|id| id == "delete-many"));
    assert_eq!(policy.valid(), 3_600_000);
    assert_eq!(policy.stale_share(), 100_000);
}

#[test]
fn a_document_that_no_person_reads_is_refused_at_once() {
    let rules = "# \n".repeat(400_000);
    let error = Policy::from_toml(&rules).unwrap_err();
    assert!(error.message().contains("write fewer rules"), "{error}");
}
