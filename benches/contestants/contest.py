"""What the Python contestants share: the case on the command line, and one measured run in this process.

A contestant is called as `CONTESTANT CASE DIR [--how NAME]` and prints one JSON line. Findings have one row a
differing field, and one row a missing or unexpected key: kind, key, field, expected, actual (text).
"""

import argparse
import json
import pathlib
import resource
import sys
import time

STATUS = pathlib.Path("/proc/self/status")


def contest(tool, ways, load, counts):
    """Loads the case, times one of `ways(case, inputs)`, prints what it found and took. The first way is the default."""
    args = argparse.ArgumentParser()
    args.add_argument("case")
    args.add_argument("dir", type=pathlib.Path)
    args.add_argument("--how", choices=list(ways), default=next(iter(ways)))
    case = args.parse_args()
    case.truth = json.loads((case.dir / "truth.json").read_text())
    case.key, case.fields = case.truth["key"], case.truth["columns"][1:]
    inputs = load(case)
    baseline = start_peak()
    start = time.perf_counter()
    findings = ways[case.how](case, inputs)
    seconds = time.perf_counter() - start
    extra = peak() - baseline
    found = counts(findings, case)
    line = {"tool": tool, "how": case.how, "case": case.case, "seconds": seconds, "baseline_bytes": baseline,
            "extra_peak_bytes": extra, "counts": found}
    print(json.dumps(line))


def keys_to_counts(case, missing, unexpected, changed, cells):
    """The counts that the truth file has."""
    return {"matched": case.truth["rows"] - missing - changed, "missing": missing, "unexpected": unexpected,
            "changed": changed, "cells": cells}


def start_peak():
    """Resets the kernel's high-water mark where it can be reset (Linux), and says what is resident now."""
    if not STATUS.exists():
        return peak()
    pathlib.Path("/proc/self/clear_refs").write_text("5")
    return status("VmRSS")


def peak():
    """The most that was resident since `start_peak`; without Linux, since the process began."""
    if STATUS.exists():
        return status("VmHWM")
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def status(name):
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(name + ":"))
    return int(line.split()[1]) * 1024
