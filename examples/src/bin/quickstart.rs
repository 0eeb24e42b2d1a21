//! The lines of the README, as a program: `cargo run -p trueup-examples --bin quickstart`.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    use serde_json::json;
    use trueup::{Reconciliation, Snapshot};

    let expected = [json!({"id": 1, "site": "Bern"}), json!({"id": 2, "site": "Rome"})];
    let actual = [json!({"id": 1, "site": "Berne"}), json!({"id": 3, "site": "Oslo"})];

    let report = Reconciliation::new("sites")
        .with_key(["id"])
        .run(&Snapshot::from_rows(&expected)?, &Snapshot::from_rows(&actual)?)?;

    println!("{}", report.counts()); // matched 0, missing 1, unexpected 1, changed 1
    for (id, _state) in report.states()? {
        println!("{}", report.explain(id)?); // changed: key id = 1, field site, …
    }
    report.to_html("sites.html")?;

    Ok(())
}
