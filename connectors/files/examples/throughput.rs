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
    let rate = |start: Instant| size / start.elapsed().as_secs_f64();
    for _ in 0..5 {
        let files = Files::new(Settings::default().with_file(file.clone()).with_threads(threads))?;
        let start = Instant::now();
        let rows = files.read_blocking(&Context::new(), &name)?.rows();
        let (once, start) = (rate(start), Instant::now());
        // Now the types are known, as they are to whoever reads page by page.
        files.read_blocking(&Context::new(), &name)?;
        println!(
            "{rows} rows, {size:.0} MB: {once:.0} MB/s inferred, {:.0} MB/s declared",
            rate(start)
        );
    }
    Ok(())
}
