"""datacompy on Polars: what its own comparison gives, its findings taken from its joined frame."""

import datacompy
import polars as pl

from contest import contest, keys_to_counts


def load(case):
    return [pl.read_ipc(case.dir / f"{side}.arrow", memory_map=False).rechunk() for side in ("expected", "actual")]


def compare(case, inputs):
    found = datacompy.PolarsCompare(*inputs, join_columns=case.key)
    rows = found.intersect_rows
    cells = [rows.filter(~pl.col(f + "_match")).select(*case.key, pl.lit(f).alias("field"),
                                                       pl.col(f + "_df1").cast(pl.String).alias("expected"),
                                                       pl.col(f + "_df2").cast(pl.String).alias("actual"))
             for f in case.fields]
    return found, pl.concat(cells)


def counts(findings, case):
    found, cells = findings
    return keys_to_counts(case, found.df1_unq_rows.height, found.df2_unq_rows.height,
                          cells.select(case.key).n_unique(), cells.height)


contest(f"datacompy {datacompy.__version__}", {"compare": compare}, load, counts)
