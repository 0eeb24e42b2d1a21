//! `throughput FILE [THREADS]`: how fast a file is read, typed, into memory.

use std::time::Instant;

use trueup_connector::{Context, Result};
use trueup_files::{FileSettings, Files, Settings};

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let path = args.next().unwrap_or_default();
    let threads = args.next().and_then(|n| n.parse().ok()).unwrap_or(1);
    let file = FileSettings::new(&path);
    let (name, size) = (file.name()?, std::fs::metadata(&path).map_or(0, |m| m.len()) as f64 / 1e6);
    for _ in 0..5 {
        let files = Files::new(Settings::default().with_file(file.clone()).with_threads(threads))?;
        let start = Instant::now();
        let inference = files.inference(&name)?;
        let inferred = start.elapsed().as_secs_f64();
        let start = Instant::now();
        let snapshot = files.read_blocking(&Context::new(), &name)?;
        let read = start.elapsed().as_secs_f64();
        println!(
            "{} rows, {size:.0} MB: {:.0} MB/s inferring, {:.0} MB/s reading, {:.0} MB/s both, {:.3} s",
            snapshot.rows(),
            size / inferred,
            size / read,
            size / (inferred + read),
            inferred + read
        );
        drop(inference);
    }
    Ok(())
}
