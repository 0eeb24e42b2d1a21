#!/usr/bin/env python3
"""Runs the benchmarks side by side and writes docs/benchmarks.md. Standard library only; `make bench` calls it.

Every run is a fresh process; contestants take turns (A B C A B C …), so that a noisy minute hits all of them.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import venv

HERE = pathlib.Path(__file__).resolve().parent
CACHE = pathlib.Path(os.environ.get("TRUEUP_BENCH_DIR") or pathlib.Path(tempfile.gettempdir()) / "trueup-bench")
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or HERE / "target")

# Contestants: a program, and for some the way it compares: `polars:gather`. Which of Polars' two best ways is the faster
# depends on the case and on how busy the machine is, so both are raced and the faster counts (see the README).
POLARS = ["polars:full", "polars:gather", "polars-newest:full", "polars-newest:gather"]
TABLES = ["trueup", *POLARS, "duckdb:full", "datacompy"]
KINDS = {"wide": TABLES, "ledger": TABLES, "delta": ["trueup"],
         "csv": ["trueup", "csv-diff", "polars:full", "polars-newest:full", "duckdb:full"],
         "decide": ["trueup", "cedar", "cel"], "mass": ["trueup", "cedar", "cel"],
         "writes": ["trueup", "sqlite"]}
CASES = "wide100k,wide1m,ledger10m,csv1m,decide1,decide10,decide100,decide1k,mass100k,writes2k"
# The contestants written in Rust, each a program of its own.
RUST = {"trueup", "csv-diff", "cedar", "cel", "sqlite"}

# What ours is measured against, and the bar. For `delta` it is our own full run of the same ledger.
RIVALS = {"wide": [*POLARS, "duckdb:full"], "ledger": [*POLARS, "duckdb:full"], "csv": ["csv-diff"],
          "decide": ["cedar", "cel"], "mass": ["cedar", "cel"], "writes": ["sqlite"]}
BARS = {"wide1m": (5, 0.5), "ledger10m": (4, 0.5), "csv1m": (4, None), "writes2k": (0.5, None)}
# Bars on our own median, in seconds.
MOST = {"decide100": 10e-6}
# What seconds are shown in, and how many of it a second has.
UNITS = {"decide": ("µs", 1e6)}
# Kinds in which memory is not what is measured.
NO_MEMORY = {"decide", "writes"}

# Makes the allocators of Polars and DuckDB give freed memory back at once, so that what loading left behind is neither
# counted as in use nor used again unseen.
EAGER = "dirty_decay_ms:0,muzzy_decay_ms:0"
GIVE_BACK = {"_RJEM_MALLOC_CONF": EAGER, "DUCKDB_JE_MALLOC_CONF": EAGER}

ABOUT = {"wide": "{rows:,} devices × 20 columns, text key, in memory",
         "ledger": "{rows:,} ledger lines × 8 columns, integer key, in memory",
         "csv": "two CSV files of {rows:,} rows × 9 columns, integer key, page cache warm, reading included",
         "delta": "a delta of 10,000 rows onto an indexed ledger of {rows:,}",
         "decide": "rules: {rules:,}; one change decided, the median over {rows:,} changes, again and again",
         "mass": "{rows:,} changes, hardly two alike, decided under {rules:,} rules: one plan here, a request each there",
         "writes": "{rows:,} writes, each of them safe on disk: guarded, journalled and audited, 64 in flight; and bare"}


def main():
    args = arguments()
    prepare(args)
    results = {case: run_case(case, args) for case in args.case}
    page = write_page(results, args)
    print(page)
    if not args.no_page:
        out = HERE.parent / "docs" / "benchmarks.md"
        out.parent.mkdir(exist_ok=True)
        out.write_text(page)
    wrong = [run for runs in results.values() for tool in runs.values() for run in tool if not run["is_right"]]
    sys.exit(1 if wrong else 0)


def arguments():
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--case", default=CASES, type=lambda text: text.split(","),
                      help="what and how much each: wide1m,ledger10m,csv1m,delta10m,decide100,mass100k,writes2k")
    args.add_argument("--only", type=lambda text: text.split(","), help="contestants, as in trueup,duckdb,polars:gather")
    args.add_argument("--rounds", type=int, default=5)
    args.add_argument("--threads", type=int, default=2)
    args.add_argument("--no-page", action="store_true", help="print the page, do not write docs/benchmarks.md")
    return args.parse_args()


def kind(case):
    return case.rstrip("km").rstrip("0123456789")


# --- getting ready

def prepare(args):
    CACHE.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=HERE, check=True)
    is_python = any(name not in RUST for case in args.case for name in contestants(case, args))
    for name in ("requirements", "requirements-newest") if is_python else ():
        make_venv(name)


def make_venv(name):
    """A virtual environment for a requirements file, made anew when the file changes."""
    home, wanted = CACHE / "venv" / name, (HERE / f"{name}.txt").read_text()
    stamp = home / "made-from.txt"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    shutil.rmtree(home, ignore_errors=True)
    venv.create(home, with_pip=True)
    subprocess.run([python(name), "-m", "pip", "install", "--quiet", "-r", HERE / f"{name}.txt"], check=True)
    stamp.write_text(wanted)


def python(name):
    return CACHE / "venv" / name / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def binary(name):
    return TARGET / "release" / (name + (".exe" if os.name == "nt" else ""))


def data(case):
    """The folder with a case's data; a delta is onto the ledger of the same size."""
    made = subprocess.run([binary("generate"), case.replace("delta", "ledger"), CACHE], check=True, text=True,
                          stdout=subprocess.PIPE)
    return pathlib.Path(made.stdout.strip())


# --- running

def run_case(case, args):
    """Contestant -> its runs, one a round."""
    folder = data(case)
    truth = json.loads((folder / "truth.json").read_text())
    names = [name for name in contestants(case, args) if has(name)]
    runs = {name: [] for name in names}
    for number in range(args.rounds):
        for name in names:
            run = run_once(name, case, folder, args.threads)
            run["is_right"] = run.get("counts") == expected_counts(case, truth)
            runs[name].append(run)
            told = shown(run["seconds"], case) if "seconds" in run else "failed"
            wrong = "" if run["is_right"] else f" WRONG {run.get('counts')}"
            print(f"{case} round {number + 1}/{args.rounds} {name}: {told}{wrong}", file=sys.stderr, flush=True)
    for name in names:
        # One more run for memory alone: its time does not count.
        lean = run_once(name, case, folder, args.threads, GIVE_BACK)
        runs[name][0]["memory"] = lean.get("extra_peak_bytes", 0)
    return runs


def contestants(case, args):
    wanted = set(args.only or [])
    return [name for name in KINDS[kind(case)] if not wanted or wanted & {name, name.split(":")[0]}]


def has(name):
    return name not in RUST or binary(name.replace("-", "_")).exists()


def run_once(name, case, folder, threads, extra_environment=None):
    program, _, way = name.partition(":")
    how = ["--how", way] if way else []
    done = subprocess.run([*command(program), case, folder, *how], text=True, stdout=subprocess.PIPE,
                          env={**environment(threads), **(extra_environment or {})}, preexec_fn=pin(threads))
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        return {"tool": name}
    # A contestant that builds something first reports that on a line before; the last line is the run.
    return {**lines[-1], "before": lines[:-1]}


def command(name):
    if name in RUST:
        return [binary(name.replace("-", "_"))]
    newest = name.endswith("-newest")
    script = HERE / "contestants" / f"{name.removesuffix('-newest')}_compare.py"
    return [python("requirements-newest" if newest else "requirements"), script]


def environment(threads):
    names = ("BENCH_THREADS", "POLARS_MAX_THREADS", "RAYON_NUM_THREADS")
    return {**os.environ, **{name: str(threads) for name in names}, "PYTHONDONTWRITEBYTECODE": "1"}


def pin(threads):
    """Holds a contestant to as many cores as threads, where the system can."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    cores = sorted(os.sched_getaffinity(0))[:threads]
    return lambda: os.sched_setaffinity(0, cores)


def expected_counts(case, truth):
    """A delta changes 9,500 rows that matched and removes 500."""
    counts = dict(truth["counts"])
    if kind(case) == "delta":
        edited = truth["delta_cells"]
        counts.update(matched=counts["matched"] - 10_000, changed=counts["changed"] + 9_500,
                      missing=counts["missing"] + 500, cells=counts["cells"] + edited)
    return counts


# --- the page

def write_page(results, args):
    parts = ["# Benchmarks\n", "Written by `make bench`; do not edit. The last section is `benches/limits.md`.\n"]
    parts += [case_section(case, runs, results) for case, runs in results.items()]
    parts += ["## Method\n", METHOD.format(rounds=args.rounds, threads=args.threads), "## Machine\n", machine(),
              "## What limits us now\n", (HERE / "limits.md").read_text()]
    return "\n".join(parts)


def case_section(case, runs, results):
    truth = json.loads((data(case) / "truth.json").read_text())
    lines = [f"## {case}\n", ABOUT[kind(case)].format(**truth) + ".\n",
             f"| contestant | median {unit(case)[0]} | min | max | extra memory MB | times ours | counts |",
             "|---|--:|--:|--:|--:|--:|---|"]
    lines += [table_row(case, tool, runs.get("trueup")) for tool in runs.values() if tool]
    return "\n".join([*lines, "", verdict(case, runs, results), ""])


def unit(case):
    return UNITS.get(kind(case), ("s", 1))


def shown(seconds, case):
    name, of_a_second = unit(case)
    return f"{seconds * of_a_second:.3f} {name}"


def table_row(case, tool, ours):
    label = tool[0]["tool"] + (f" (`{tool[0]['how']}`)" if tool[0].get("how") else "")
    if any("seconds" not in run for run in tool):
        return f"| {label} | failed | | | | | |"
    times = [seconds * unit(case)[1] for seconds in (median(tool), *(run["seconds"] for run in tool))]
    against = f"{median(tool) / median(ours):.2f}" if is_whole(ours) else "–"
    right = "right" if all(run["is_right"] for run in tool) else "WRONG"
    extra = "–" if kind(case) in NO_MEMORY else f"{memory(tool) / 1e6:,.0f}"
    return (f"| {label} | {times[0]:.3f} | {min(times):.3f} | {max(times):.3f} | {extra} "
            f"| {against} | {right} |")


def verdict(case, runs, results):
    """Ours against the faster rival, and the bar."""
    ours = runs.get("trueup")
    if not is_whole(ours):
        return "trueup was not run."
    if kind(case) == "delta":
        return delta_verdict(case, ours, results)
    rivals = {name: runs[name] for name in RIVALS[kind(case)] if is_whole(runs.get(name))}
    if not rivals:
        return "No rival was run."
    best = min(rivals, key=lambda name: median(rivals[name]))
    ratio, share = median(rivals[best]) / median(ours), memory(ours) / max(memory(rivals[best]), 1)
    text = f"**{ratio:.2f}×** the speed of {rivals[best][0]['tool']}"
    if case in MOST:
        is_met = median(ours) <= MOST[case]
        return f"{text}. Bar: at most {shown(MOST[case], case)}: {'met' if is_met else '**not met**'}."
    if kind(case) not in NO_MEMORY | {"mass"}:
        text += f", at {share:.2f} of its extra memory"
    if case not in BARS:
        return text + "."
    speed, most = BARS[case]
    is_met = ratio >= speed and (most is None or share <= most)
    bar = f"at least {speed}×" + (f", at most {most} of the memory" if most else "")
    return f"{text}. Bar: {bar}: {'met' if is_met else '**not met**'}."


def delta_verdict(case, ours, results):
    before = "; ".join(f"{line['tool']} {line['seconds']:.3f} s" for line in ours[-1]["before"])
    full = results.get(case.replace("delta", "ledger"), {}).get("trueup")
    if not is_whole(full):
        return f"Before the delta: {before}. Run the ledger case too for the ratio."
    part = median(full) / median(ours)
    return f"**1/{part:.0f}** of the full run (before the delta: {before}). Bar: at most 1/50."


def is_whole(runs):
    return bool(runs) and all("seconds" in run for run in runs)


def median(runs):
    return statistics.median(run["seconds"] for run in runs)


def memory(runs):
    return runs[0]["memory"]


def machine():
    cpu = platform.processor() or platform.machine()
    info = pathlib.Path("/proc/cpuinfo")
    if info.exists():
        cpu = next((line.split(":")[1].strip() for line in info.read_text().splitlines()
                    if line.startswith("model name")), cpu)
    load = f", load average {os.getloadavg()[0]:.1f} at the end" if hasattr(os, "getloadavg") else ""
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30 if hasattr(os, "sysconf") else 0
    day = datetime.date.today().isoformat()
    return f"{cpu}, {os.cpu_count()} cores, {memory_gb:.0f} GiB, {platform.system()} {platform.release()}, {day}{load}.\n"


METHOD = """\
- A seeded generator writes both sides, shuffled independently: 0.5% of the expected rows missing, 1% changed in one to
  three fields, 0.5% unexpected. Every run's counts are checked against the generator's; `WRONG` would say so here.
- Every run is a fresh process; contestants take turns, rounds: {rounds}. Both sides are in the contestant's own memory
  before the clock starts (one chunk in Polars, tables in DuckDB); CSV is read from the page cache on the clock.
- On the clock: comparing, and findings as one table in memory, a row a differing field with both values as text, a row
  a missing or unexpected key. Not on the clock: counting them, freeing memory.
- Rules: each is written as a rule of ours, as a Cedar policy and as one CEL condition over all it looks at; some allow,
  one in twenty-five denies, and what none allows is denied, which the programs around `cel` do by hand. Plans, requests
  and contexts are built before the clock starts. Ours gives the whole decision: outcome, risk, the rules that matched,
  who is asked, until when it holds.
- Writes: ours go to a system that does nothing, at once; grants are had before the clock starts. The bare ones are
  inserts into one table, each in a transaction of its own; both flush what they write (`synchronous = FULL`, WAL).
- {threads} threads and as many cores for each. Polars and DuckDB run the fastest exact, null-safe ways of those in their
  script. The ratio is median to median, against the fastest of them.
- Extra memory: the peak resident size (`VmHWM`, reset through `/proc/self/clear_refs`) less what was resident when the
  clock started, in one further run that is not timed and in which allocators give freed memory back at once; else what
  loading had freed would be used again unseen. Elsewhere than on Linux: the process's peak from `getrusage`, which
  misses peaks below the loading's.
- Absolute times depend on the machine and on what else it does; ratios within one table are what counts.
"""

if __name__ == "__main__":
    main()
