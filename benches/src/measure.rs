//! One measured run: time, and memory above what the loaded inputs already take.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use arrow::ipc::reader::FileReader;
use serde_json::{Value, json};

use crate::{Result, case_and_size};

/// So long the same decisions are taken again and again.
const DECIDING: Duration = Duration::from_secs(1);

/// What a contestant counted: keys, and differing cells.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Keys on both sides without a difference.
    pub matched: u64,
    /// Keys on the expected side only.
    pub missing: u64,
    /// Keys on the actual side only.
    pub unexpected: u64,
    /// Keys on both sides with at least one differing field.
    pub changed: u64,
    /// Differing fields of changed keys.
    pub cells: u64,
}

/// A case as a contestant sees it: `CONTESTANT CASE DIR`.
pub struct Case {
    /// Its name, as in `wide1m`.
    pub name: String,
    /// The folder that `generate` wrote.
    pub dir: PathBuf,
    /// The key's columns; none where there are no tables.
    pub key: Vec<String>,
}

impl Case {
    /// The case that the command line names.
    pub fn from_args() -> Result<Case> {
        let mut args = std::env::args().skip(1);
        let (Some(name), Some(dir)) = (args.next(), args.next().map(PathBuf::from)) else {
            return Err("usage: CONTESTANT CASE DIR".into());
        };
        let truth: Value = serde_json::from_slice(&fs::read(dir.join("truth.json"))?)?;
        let key = truth.get("key").cloned().map(serde_json::from_value).transpose()?;
        let key = key.unwrap_or_default();
        Ok(Case { name, dir, key })
    }

    /// How much of it, as its name says.
    pub fn size(&self) -> Result<usize> {
        Ok(case_and_size(&self.name)?.1)
    }

    /// All batches of one of the case's Arrow files.
    pub fn read(&self, file: &str) -> Result<Vec<RecordBatch>> {
        let reader = FileReader::try_new_buffered(fs::File::open(self.dir.join(file))?, None)?;
        Ok(reader.collect::<std::result::Result<_, _>>()?)
    }

    /// The path of one of the case's files, its bytes read once so that the page cache is warm.
    pub fn warm(&self, file: &str) -> Result<PathBuf> {
        let path = self.dir.join(file);
        std::io::copy(&mut fs::File::open(&path)?, &mut std::io::sink())?;
        Ok(path)
    }
}

/// Times `work` and prints the one JSON line that `run.py` reads. What `work` hands back beside the counts (its
/// findings) is dropped after the clock stops.
pub fn report<C: Into<Value>, T>(
    tool: &str,
    case: &Case,
    work: impl FnOnce() -> Result<(C, T)>,
) -> Result<()> {
    let baseline = start_peak()?;
    let clock = Instant::now();
    let (counts, findings) = work()?;
    let seconds = clock.elapsed().as_secs_f64();
    let extra = peak()?.saturating_sub(baseline);
    drop(findings);
    print_line(tool, case, seconds, (baseline, extra), counts.into());
    Ok(())
}

/// Times a decision about each of `all` by itself, over and over, and prints a line with the median.
pub fn report_decisions<T>(
    tool: &str,
    case: &Case,
    all: &[T],
    mut is_allowed: impl FnMut(&T) -> Result<bool>,
) -> Result<()> {
    // Once for the caches.
    let counts = count(all.iter().map(&mut is_allowed))?;
    let baseline = start_peak()?;
    let (start, mut nanos) = (Instant::now(), Vec::new());
    while start.elapsed() < DECIDING {
        for one in all {
            let clock = Instant::now();
            std::hint::black_box(is_allowed(std::hint::black_box(one))?);
            nanos.push(clock.elapsed().as_nanos() as u64);
        }
    }
    let extra = peak()?.saturating_sub(baseline);
    nanos.sort_unstable();
    let median = nanos.get(nanos.len() / 2).copied().unwrap_or_default();
    print_line(tool, case, median as f64 / 1e9, (baseline, extra), counts);
    Ok(())
}

/// How many are allowed, as the truth has it.
pub fn count(answers: impl Iterator<Item = Result<bool>>) -> Result<Value> {
    let answers = answers.collect::<Result<Vec<bool>>>()?;
    let allowed = answers.iter().filter(|is_allowed| **is_allowed).count();
    Ok(json!({ "allowed": allowed, "denied": answers.len() - allowed }))
}

fn print_line(tool: &str, case: &Case, seconds: f64, (baseline, extra): (u64, u64), counts: Value) {
    let line = json!({
        "tool": tool, "case": case.name, "seconds": seconds, "baseline_bytes": baseline,
        "extra_peak_bytes": extra, "counts": counts,
    });
    println!("{line}");
}

impl From<Counts> for Value {
    fn from(counts: Counts) -> Value {
        let Counts { matched, missing, unexpected, changed, cells } = counts;
        json!({ "matched": matched, "missing": missing, "unexpected": unexpected, "changed": changed, "cells": cells })
    }
}

/// Resets the kernel's high-water mark where it can be reset (Linux), and says what is resident now.
fn start_peak() -> Result<u64> {
    if !Path::new("/proc/self/clear_refs").exists() {
        return peak();
    }
    fs::write("/proc/self/clear_refs", "5")?;
    status("VmRSS:")
}

/// The most that was resident since [`start_peak`]; without Linux, since the process began.
fn peak() -> Result<u64> {
    if Path::new("/proc/self/status").exists() { status("VmHWM:") } else { Ok(rusage_peak()) }
}

fn status(name: &str) -> Result<u64> {
    let text = fs::read_to_string("/proc/self/status")?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .ok_or("no such line in the process status")?;
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes * 1024)
}

#[cfg(unix)]
fn rusage_peak() -> u64 {
    use nix::sys::resource::{UsageWho, getrusage};
    let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
    getrusage(UsageWho::RUSAGE_SELF).map_or(0, |usage| usage.max_rss().unsigned_abs() * unit)
}

#[cfg(not(unix))]
fn rusage_peak() -> u64 {
    0
}
