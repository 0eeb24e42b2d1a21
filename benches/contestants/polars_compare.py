"""Polars. All ways are exact and null-safe; which is the fastest is told in the README."""

import polars as pl

from contest import contest, keys_to_counts


def load(case):
    if case.case.startswith("csv"):
        # The files are compared, so reading them is part of the work; here they only warm the page cache.
        return [str(path) for path in (case.dir / "expected.csv", case.dir / "actual.csv") if path.read_bytes()]
    # From a buffer, so that no version maps the file and pays for reading it during the comparison.
    return [pl.read_ipc((case.dir / f"{side}.arrow").read_bytes()).rechunk() for side in ("expected", "actual")]


def frames(inputs):
    return [pl.read_csv(i, try_parse_dates=True) if isinstance(i, str) else i for i in inputs]


def anti(case, inputs):
    """Drop equal rows with an anti join on every column; join the few that are left."""
    e, a = frames(inputs)
    on = e.columns
    left, right = (x.lazy().join(y.lazy(), on=on, how="anti", nulls_equal=True) for x, y in ((e, a), (a, e)))
    left, right = pl.collect_all([left, right])
    return findings(case, full_join(case, left.lazy(), right.lazy()).collect())


def full(case, inputs):
    """One full outer join of whole rows, filtered."""
    e, a = frames(inputs)
    return findings(case, full_join(case, e.lazy(), a.lazy()).filter(differs(case)).collect())


def full_streaming(case, inputs):
    """The same on the streaming engine."""
    e, a = frames(inputs)
    return findings(case, full_join(case, e.lazy(), a.lazy()).filter(differs(case)).collect(engine="streaming"))


def gather(case, inputs):
    """Join keys with row numbers only, then gather and compare column by column."""
    e, a = frames(inputs)
    keys = [x.select(case.key).with_row_index(f"row_{side}").lazy() for x, side in ((e, "e"), (a, "a"))]
    both = keys[0].join(keys[1], on=case.key, how="full", coalesce=True).collect()
    pairs = both.drop_nulls(["row_e", "row_a"]).select("row_e", "row_a")
    rows_e, rows_a = pairs["row_e"], pairs["row_a"]
    out = [alone(both.filter(pl.col("row_a").is_null()), case, "missing"),
           alone(both.filter(pl.col("row_e").is_null()), case, "unexpected")]
    for field in case.fields:
        left, right = e[field].gather(rows_e), a[field].gather(rows_a)
        at = left.ne_missing(right).arg_true()
        keys_at = e.select(case.key)[rows_e.gather(at)]
        out.append(changed(keys_at.with_columns(left.gather(at).cast(pl.String).alias("expected"),
                                                right.gather(at).cast(pl.String).alias("actual")), case, field))
    return pl.concat(out)


def full_join(case, left, right):
    left = left.with_columns(in_e=pl.lit(True))
    right = right.with_columns(in_a=pl.lit(True))
    return left.join(right, on=case.key, how="full", coalesce=True, suffix="_a")


def differs(case):
    fields = [pl.col(f).ne_missing(pl.col(f + "_a")) for f in case.fields]
    return pl.any_horizontal(pl.col("in_e").is_null(), pl.col("in_a").is_null(), *fields)


def findings(case, rows):
    """The findings of joined rows that differ."""
    out = [alone(rows.filter(pl.col("in_a").is_null()), case, "missing"),
           alone(rows.filter(pl.col("in_e").is_null()), case, "unexpected")]
    both = rows.drop_nulls(["in_e", "in_a"])
    for field in case.fields:
        cells = both.filter(pl.col(field).ne_missing(pl.col(field + "_a")))
        out.append(changed(cells.with_columns(expected=pl.col(field).cast(pl.String),
                                              actual=pl.col(field + "_a").cast(pl.String)), case, field))
    return pl.concat(out)


def alone(rows, case, kind):
    none = pl.lit(None, pl.String)
    return rows.select(pl.lit(kind).alias("kind"), *case.key, none.alias("field"), none.alias("expected"),
                       none.alias("actual"))


def changed(rows, case, field):
    return rows.select(pl.lit("changed").alias("kind"), *case.key, pl.lit(field).alias("field"), "expected", "actual")


def counts(found, case):
    rows = found.filter(pl.col("kind") == "changed")
    kinds = dict(found.group_by("kind").len().iter_rows())
    return keys_to_counts(case, kinds["missing"], kinds["unexpected"], rows.select(case.key).n_unique(), rows.height)


contest(f"polars {pl.__version__}", {"full": full, "gather": gather, "anti": anti, "full_streaming": full_streaming},
        load, counts)
