"""DuckDB. All ways are exact and null-safe; which is the fastest is told in the README."""

import os

import duckdb
import pyarrow as pa

from contest import contest, keys_to_counts


def load(case):
    db = duckdb.connect(config={"threads": int(os.environ.get("BENCH_THREADS", "2")), "preserve_insertion_order": False})
    for side in ("expected", "actual"):
        if case.case.startswith("csv"):
            # The files are compared, so reading them is part of the work; here they only warm the page cache.
            path = case.dir / f"{side}.csv"
            path.read_bytes()
            db.execute(f"CREATE VIEW {side} AS SELECT * FROM read_csv('{path}')")
            continue
        loaded = pa.ipc.open_file(pa.OSFile(str(case.dir / f"{side}.arrow"))).read_all()
        if case.how.endswith("_arrow"):
            db.register(side, loaded)
        else:
            db.execute(f"CREATE TABLE {side} AS SELECT * FROM loaded")
    loaded = None
    pa.default_memory_pool().release_unused()
    return db


def full(case, db):
    """One full outer join of whole rows, filtered; then one row a differing field."""
    differ = " OR ".join([f"e.{case.key[0]} IS NULL", f"a.{case.key[0]} IS NULL", differs(case)])
    db.execute(f"CREATE TEMP TABLE d AS SELECT {both(case)} {full_join(case, 'expected', 'actual')} WHERE {differ}")
    return findings(case, db)


def inner_anti(case, db):
    """Inner join for the changed, anti joins for the rest."""
    using = f"USING ({', '.join(case.key)})"
    db.execute(f"""CREATE TEMP TABLE d AS
        SELECT {both(case)} FROM expected e JOIN actual a {using} WHERE {differs(case)}
        UNION ALL BY NAME SELECT {side(case, 'e')} FROM expected e ANTI JOIN actual a {using}
        UNION ALL BY NAME SELECT {side(case, 'a')} FROM actual a ANTI JOIN expected e {using}""")
    return findings(case, db)


def except_all(case, db):
    """Drop equal rows with EXCEPT ALL both ways; join the few that are left."""
    db.execute("CREATE TEMP TABLE le AS SELECT * FROM expected EXCEPT ALL SELECT * FROM actual")
    db.execute("CREATE TEMP TABLE la AS SELECT * FROM actual EXCEPT ALL SELECT * FROM expected")
    db.execute(f"CREATE TEMP TABLE d AS SELECT {both(case)} {full_join(case, 'le', 'la')}")
    return findings(case, db)


def anti_all(case, db):
    """Drop equal rows with a null-safe anti join on every column; join the few that are left."""
    same = " AND ".join([f"e.{k} = a.{k}" for k in case.key]
                        + [f"e.{f} IS NOT DISTINCT FROM a.{f}" for f in case.fields])
    db.execute(f"CREATE TEMP TABLE le AS SELECT * FROM expected e ANTI JOIN actual a ON {same}")
    db.execute(f"CREATE TEMP TABLE la AS SELECT * FROM actual a ANTI JOIN expected e ON {same}")
    db.execute(f"CREATE TEMP TABLE d AS SELECT {both(case)} {full_join(case, 'le', 'la')}")
    return findings(case, db)


def side(case, of):
    return ", ".join(f"{of}.{column} AS {of}_{column}" for column in case.key + case.fields)


def both(case):
    return f"{side(case, 'e')}, {side(case, 'a')}"


def differs(case):
    return "(" + " OR ".join(f"e.{f} IS DISTINCT FROM a.{f}" for f in case.fields) + ")"


def full_join(case, left, right):
    return f"FROM {left} e FULL JOIN {right} a ON " + " AND ".join(f"e.{k} = a.{k}" for k in case.key)


def findings(case, db):
    """The findings of joined rows that differ, as an Arrow table."""
    def key(of):
        return ", ".join(f"{of}_{k} AS {k}" for k in case.key)

    no_e, no_a = f"e_{case.key[0]} IS NULL", f"a_{case.key[0]} IS NULL"
    parts = [f"SELECT 'missing' AS kind, {key('e')}, NULL AS field, NULL AS expected, NULL AS actual FROM d WHERE {no_a}",
             f"SELECT 'unexpected', {key('a')}, NULL, NULL, NULL FROM d WHERE {no_e}"]
    parts += [f"SELECT 'changed', {key('e')}, '{f}', e_{f}::VARCHAR, a_{f}::VARCHAR FROM d "
              f"WHERE NOT {no_e} AND NOT {no_a} AND e_{f} IS DISTINCT FROM a_{f}" for f in case.fields]
    return db, db.sql(" UNION ALL ".join(parts)).to_arrow_table()


def counts(found, case):
    db, table = found
    db.register("found", table)
    count = f"count(*) FILTER (kind = '%s')"
    row = db.execute(f"""SELECT {count % 'missing'}, {count % 'unexpected'},
        count(DISTINCT ({', '.join(case.key)})) FILTER (kind = 'changed'), {count % 'changed'} FROM found""").fetchone()
    return keys_to_counts(case, *row)


contest(f"duckdb {duckdb.__version__}",
        {"full": full, "full_arrow": full, "inner_anti": inner_anti, "inner_anti_arrow": inner_anti,
         "except_all": except_all, "anti_all": anti_all, "anti_all_arrow": anti_all}, load, counts)
