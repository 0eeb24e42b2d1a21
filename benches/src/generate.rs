//! `generate CASE DIR`: writes the pair of one case, and the truth about it, unless DIR already holds them. Of
//! `decide`, `mass` and `writes` only the truth is written: contestants make rules and changes from their numbers.

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::Path;
use std::thread;

use arrow::array::RecordBatch;
use arrow::csv;
use arrow::ipc::writer::FileWriter;
use serde_json::{Value, json};
use trueup_benches::columns::schema;
use trueup_benches::pair::{Pair, Side};
use trueup_benches::rules::Trial;
use trueup_benches::{Error, Result, case_and_size};

/// Part of the folder's name: raise it whenever the data changes.
const VERSION: u32 = 1;

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let (Some(case), Some(root)) = (args.next(), args.next()) else {
        return Err("usage: generate CASE DIR".into());
    };
    let dir = Path::new(&root).join(format!("{case}-v{VERSION}"));
    // The truth is written last, so a folder that has it is whole.
    if !dir.join("truth.json").exists() {
        fs::create_dir_all(&dir)?;
        let truth = match case_and_size(&case)? {
            ("decide" | "mass", _) => Trial::of_case(&case)?.truth(),
            ("writes", rows) => json!({ "rows": rows, "counts": { "written": rows } }),
            _ => write_pair(&Pair::of_case(&case)?, &case, &dir)?,
        };
        fs::write(dir.join("truth.json"), format!("{truth:#}\n"))?;
    }
    println!("{}", dir.display());
    Ok(())
}

fn write_pair(pair: &Pair, case: &str, dir: &Path) -> Result<Value> {
    let write = if case.starts_with("csv") { write_csv } else { write_ipc };
    thread::scope(|scope| {
        let expected = scope.spawn(|| write(pair, Side::Expected, &dir.join("expected")));
        let actual = scope.spawn(|| write(pair, Side::Actual, &dir.join("actual")));
        expected.join().map_err(|_| "the writer stopped")??;
        actual.join().map_err(|_| "the writer stopped")??;
        Ok::<_, Error>(())
    })?;
    if case.starts_with("ledger") {
        let (upserts, removed) = pair.delta()?;
        write_batches(&dir.join("delta-upserts.arrow"), pair, [Ok(upserts)])?;
        write_batches(&dir.join("delta-removed.arrow"), pair, [Ok(removed)])?;
    }
    Ok(pair.truth())
}

fn write_ipc(pair: &Pair, side: Side, path: &Path) -> Result<()> {
    write_batches(&path.with_extension("arrow"), pair, pair.batches(side))
}

fn write_batches(
    path: &Path,
    pair: &Pair,
    batches: impl IntoIterator<Item = Result<RecordBatch>>,
) -> Result<()> {
    let mut writer = FileWriter::try_new_buffered(File::create(path)?, &schema(pair.columns))?;
    for batch in batches {
        writer.write(&batch?)?;
    }
    Ok(writer.finish()?)
}

fn write_csv(pair: &Pair, side: Side, path: &Path) -> Result<()> {
    let file = BufWriter::new(File::create(path.with_extension("csv"))?);
    let mut writer = csv::Writer::new(file);
    for batch in pair.batches(side) {
        writer.write(&batch?)?;
    }
    Ok(())
}
