//! What a condition that cannot be meant is told, and where.

use super::super::{Condition, Scope, Type};

fn scope() -> Scope {
    let facts = [
        ("plan.deletes", Type::Int),
        ("facts.owner", Type::Text),
        ("facts.tags", Type::Text.list()),
    ];
    Scope::new(facts.into_iter().map(|(name, of)| (name.to_owned(), of)).collect())
}

#[track_caller]
fn refused(text: &str, at: usize, what: &str) {
    let wrong = Condition::read(text, &scope()).unwrap_err();
    assert!(wrong.what.contains(what), "`{text}`: {wrong:?}");
    assert_eq!(wrong.at, at, "`{text}`: {wrong:?}");
}

#[test]
fn refusals_name_the_place_and_the_way_on() {
    refused("plan.delets > 3", 0, "unknown fact `plan.delets`; did you mean `plan.deletes`?");
    refused("true && plan.deletes > 'a'", 8, "`>` does not go between a int and a string");
    refused("plan.deletes", 0, "a condition is a bool; this is a int");
    refused("facts.owner.name == 'a'", 0, "unknown fact `facts.owner.name`");
    refused("facts.owner.startWith('a')", 0, "did you mean `startsWith`?");
    refused("facts.owner.matches('a.*')", 0, "patterns are not in this subset");
    refused("dyn(1) == 1", 0, "`dyn` is not in this subset");
    refused("{'a': 1}.exists(k, true)", 0, "maps are not in this subset");
    refused("google.protobuf.Timestamp{} == 1", 0, "messages are not in this subset");
    refused("facts.owner == null", 15, "`has(…)` says whether a fact is known");
    refused("[1, 'a'] == []", 4, "a string in a list of int");
    refused("plan.deletes >", 14, "a value is missing at the end");
    refused("plan.deletes > 1 2", 17, "nothing may follow here");
    refused("'abc", 0, "the quote is not closed");
    refused("plan.deletes > 9223372036854775808", 15, "does not fit into 64 bits");
    refused("plan.deletes > 1 & true", 17, "`&` means nothing here");
    refused("has(plan)", 4, "`has` takes the name of a fact");
    refused("facts.tags.all(1, true)", 15, "the name that an item goes by is missing here");
    refused("size(plan.deletes) == 1", 0, "`size` does not take a int");
    refused("while == 1", 0, "`while` is a reserved word");
    refused("'\\q' == 'a'", 1, "`\\q` is no escape");
    refused("\u{200b}true", 0, "means nothing here");
    refused("", 0, "a value is missing at the end");
}

#[test]
fn a_thousand_nested_conditions_are_refused_not_run() {
    let nested =
        |n: usize, open: &str, close: &str| format!("{}true{}", open.repeat(n), close.repeat(n));
    for (open, close) in [("(", ")"), ("!", ""), ("[", "]"), ("true?9:", "")] {
        let wrong = Condition::read(&nested(1_000, open, close), &scope()).unwrap_err();
        assert!(wrong.what.contains("nested more than 64 deep"), "{wrong:?}");
    }
    let chain = vec!["1"; 1_000].join(" + ") + " > 0";
    assert!(Condition::read(&chain, &scope()).unwrap_err().what.contains("operators in a row"));
    let long = vec!["true"; 5_000].join(" && ");
    assert!(Condition::read(&long, &scope()).unwrap_err().what.contains("longer than 10000 bytes"));
    let wide = vec!["plan.deletes > 1"; 400].join(" && ");
    assert!(Condition::read(&wide, &scope()).is_ok(), "width is no depth");
    let members = format!("a{}", ".a".repeat(1_000));
    assert!(Condition::read(&members, &scope()).unwrap_err().what.contains("steps in a row"));
}

#[test]
fn a_condition_that_runs_too_long_has_no_value() {
    use super::super::{Facts, Fault, Value};
    struct Many;
    impl<'a> Facts<'a> for Many {
        fn fact(&self, _: usize) -> Option<Value<'a>> {
            Some(Value::texts(vec!["x"; 1_000]))
        }
    }
    let text = "facts.tags.all(a, facts.tags.all(b, facts.tags.all(c, a == b && b == c)))";
    let condition = Condition::read(text, &scope()).unwrap();
    assert_eq!(condition.holds(&Many), Err(Fault::Failed("the condition takes too many steps")));
}

#[test]
fn chains_in_each_other_add_up_and_stay_within_a_small_stack() {
    let nested = |deep: usize, long: usize| {
        let chain = " + 1".repeat(long);
        (0..deep).fold("plan.deletes".to_owned(), |inner, _| format!("({inner}){chain}")) + " > 0"
    };
    let small = std::thread::Builder::new().stack_size(1 << 20);
    let read = small.spawn(move || {
        assert!(Condition::read(&nested(60, 2), &scope()).is_ok());
        Condition::read(&nested(30, 64), &scope()).unwrap_err().what
    });
    let what = read.unwrap().join().unwrap();
    assert!(what.contains("stand in each other"), "{what}");
}
