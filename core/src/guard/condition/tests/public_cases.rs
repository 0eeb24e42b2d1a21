//! The public conformance cases of CEL: what is in the subset gives their answer, the rest is
//! refused when it is read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::super::{Facts, Scope, Type, Value, eval, expression};
use super::textproto::{Field, parse};

/// Where the cases are: they are not part of this repository.
fn folder() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/datasets/cel-spec");
    let named = option_env!("TRUEUP_CEL_CASES").map(PathBuf::from);
    named.or_else(|| beside.is_dir().then_some(beside))
}

struct Bindings(Vec<Option<Value<'static>>>);

impl<'a> Facts<'a> for Bindings {
    fn fact(&self, place: usize) -> Option<Value<'a>> {
        self.0[place].clone()
    }
}

#[derive(Debug, PartialEq)]
enum Verdict {
    Right,
    Refused(String),
    Wrong(String),
}

#[test]
fn public_cases_are_answered_right_or_refused() {
    let Some(folder) = folder() else {
        eprintln!(
            "skipped: the public CEL cases are not here; name their folder in TRUEUP_CEL_CASES when building the test"
        );
        return;
    };
    let (mut right, mut refused, mut wrong) = (0, BTreeMap::<String, usize>::new(), Vec::new());
    for file in std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()) {
        if file.extension().is_none_or(|e| e != "textproto") {
            continue;
        }
        for (name, case) in cases(&parse(&std::fs::read_to_string(&file).unwrap())) {
            match judge(&case) {
                Verdict::Right => right += 1,
                Verdict::Refused(what) => *refused.entry(what).or_default() += 1,
                Verdict::Wrong(what) => wrong.push(format!("{}/{name}: {what}", file.display())),
            }
        }
    }
    eprintln!(
        "{right} right, {} refused, {} wrong: {refused:#?}",
        refused.values().sum::<usize>(),
        wrong.len()
    );
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    // Refusing everything would be no wrong answer either.
    assert!(right >= 680, "only {right} cases are in the subset");
}

fn cases(file: &Field) -> Vec<(String, Field)> {
    let sections = file.all("section");
    sections
        .flat_map(|section| {
            let of = section.get("name").unwrap().text();
            section
                .all("test")
                .map(move |t| (format!("{of}/{}", t.get("name").unwrap().text()), t.clone()))
        })
        .collect()
}

fn judge(case: &Field) -> Verdict {
    let text = case.get("expr").unwrap().text();
    let (scope, facts) = match environment(case) {
        Ok(found) => found,
        Err(what) => return Verdict::Refused(what),
    };
    let expr = match expression(&text, &scope) {
        Ok((expr, _)) => expr,
        Err(wrong) => return Verdict::Refused(reason(&wrong.what)),
    };
    let found = eval::eval(&expr, &facts);
    let wanted = case.get("value").map(value);
    match (wanted, found) {
        (Some(Ok(wanted)), Ok(found)) if same(&wanted, &found) => Verdict::Right,
        (None, Err(_)) if case.get("eval_error").is_some() => Verdict::Right,
        (None, Ok(Value::Bool(true))) if case.get("eval_error").is_none() => Verdict::Right,
        (wanted, found) => Verdict::Wrong(format!("`{text}` gives {found:?}, not {wanted:?}")),
    }
}

/// The message without the names in it.
fn reason(what: &str) -> String {
    what.split(['`', ';', ':']).step_by(2).collect::<Vec<_>>().join("…")
}

fn same(a: &Value<'_>, b: &Value<'_>) -> bool {
    match (a, b) {
        (Value::Double(a), Value::Double(b)) => {
            a == b && a.is_sign_negative() == b.is_sign_negative() || a.is_nan() && b.is_nan()
        }
        _ => a == b,
    }
}

fn environment(case: &Field) -> Result<(Scope, Bindings), String> {
    let mut facts = Vec::new();
    for declared in case.all("type_env") {
        let of = declared.get("ident").and_then(|i| i.get("type")).ok_or("a declared function")?;
        facts.push((declared.get("name").unwrap().text(), type_of(of)?));
    }
    let mut values = vec![None; facts.len()];
    for binding in case.all("bindings") {
        let name = binding.get("key").unwrap().text();
        let found =
            value(binding.get("value").unwrap().get("value").ok_or("a binding without a value")?)?;
        match facts.iter().position(|(known, _)| *known == name) {
            Some(place) => values[place] = Some(found),
            None => continue,
        }
    }
    Ok((Scope::new(facts), Bindings(values)))
}

fn type_of(field: &Field) -> Result<Type, String> {
    let (name, of) = &field.fields()[0];
    let word = || of.text();
    match (name.as_str(), name.as_str() == "list_type") {
        (_, true) => Ok(type_of(of.get("elem_type").unwrap())?.list()),
        ("primitive", _) => Ok(match word().as_str() {
            "BOOL" => Type::Bool,
            "INT64" => Type::Int,
            "UINT64" => Type::Uint,
            "DOUBLE" => Type::Double,
            "STRING" => Type::Text,
            "BYTES" => Type::Bytes,
            other => return Err(format!("a fact of type {other}")),
        }),
        ("well_known", _) if word() == "DURATION" => Ok(Type::Duration),
        ("well_known", _) if word() == "TIMESTAMP" => Ok(Type::Timestamp),
        (other, _) => Err(format!("a fact of type {other}")),
    }
}

fn value(field: &Field) -> Result<Value<'static>, String> {
    let (name, of) = field.fields().first().ok_or("an empty value")?;
    let none = || format!("a value of type {name}");
    Ok(match name.as_str() {
        "bool_value" => Value::Bool(of.text() == "true"),
        "int64_value" => Value::Int(of.text().parse().unwrap()),
        "uint64_value" => Value::Uint(of.text().parse().unwrap()),
        "double_value" => Value::Double(double(&of.text())),
        "string_value" => Value::Text(of.text().into()),
        "bytes_value" => Value::Bytes(of.bytes().to_vec().into()),
        "list_value" => Value::List(of.all("values").map(value).collect::<Result<_, _>>()?),
        "object_value" => {
            let (kind, inner) = &of.fields()[0];
            let part = |name: &str| inner.get(name).map_or(0, |f| f.text().parse::<i64>().unwrap());
            match kind.rsplit('.').next() {
                Some("Duration") => {
                    Value::Duration(part("seconds") * 1_000_000_000 + part("nanos"))
                }
                _ => return Err(none()),
            }
        }
        _ => return Err(none()),
    })
}

fn double(text: &str) -> f64 {
    match text.to_lowercase().as_str() {
        "infinity" | "inf" => f64::INFINITY,
        "-infinity" | "-inf" => f64::NEG_INFINITY,
        other => other.parse().unwrap(),
    }
}
