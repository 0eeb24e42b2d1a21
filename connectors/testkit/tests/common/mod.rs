//! A source in memory that can be changed and broken.

use trueup_connector::{Connector, Snapshot, Value};
use trueup_testkit::{Memory, Subject, rows};

pub(crate) const RESOURCES: [&str; 3] = ["devices", "none", "people"];

pub(crate) fn memory() -> Memory {
    let none = Snapshot::empty(people().schema()).unwrap();
    Memory::new()
        .with_resource("devices", devices())
        .with_resource("people", people())
        .with_resource("none", none)
        .with_page(5)
}

/// A connector that reads this source, its truth, and all that can be done to it.
pub(crate) fn subject(connector: impl Connector + 'static, source: &Memory) -> Subject {
    let (broken, changed, seen) = (source.clone(), source.clone(), source.clone());
    let told = RESOURCES.map(|name| (name, source.snapshot(name).unwrap()));
    let subject = told
        .into_iter()
        .fold(Subject::new(connector), |subject, (name, truth)| subject.with_truth(name, truth));
    let counted = source.clone();
    subject
        .with_effects(move || {
            let effects = counted.effects().len();
            async move { effects }
        })
        .with_break(move || async move { broken.break_down() })
        .with_change(move || async move { change(&changed) })
        .with_witness(move || {
            let root = seen.snapshot("devices").unwrap().content(&["serial"]).unwrap().root();
            async move { root.to_vec() }
        })
}

/// The same, with records of `devices` that may be made.
pub(crate) fn written(subject: Subject) -> Subject {
    let fresh = r#"[{"serial":"X1","site":7,"os":"é, \"x\""},{"serial":"X2","site":-1,"os":""},
        {"serial":"","site":null,"os":null},{"serial":"ß 🦀","site":3,"os":"16"}]"#;
    subject.with_writes("devices", rows(&["serial"], fresh))
}

fn devices() -> Snapshot {
    let rows: Vec<String> = (0..23)
        .map(|i| format!(r#"{{"serial":"S{i}","site":{},"os":"14.{}"}}"#, i % 3, i % 5))
        .collect();
    trueup_testkit::rows(&["serial"], &format!("[{}]", rows.join(",")))
}

fn people() -> Snapshot {
    rows(&["name"], r#"[{"name":"a","age":1.5},{"name":"b","age":2},{"name":"c","age":null}]"#)
}

fn change(memory: &Memory) -> Vec<(String, Snapshot)> {
    let new = r#"[{"serial":"S1","site":9,"os":"15.0"},{"serial":"T1","site":1,"os":"15.0"}]"#;
    memory.set("devices", &rows(&["serial"], new)).unwrap();
    memory.remove("devices", &[Value::from("S2")]).unwrap();
    memory.remove("people", &[Value::from("a")]).unwrap();
    ["devices", "people"].map(|name| (name.to_owned(), memory.snapshot(name).unwrap())).into()
}
