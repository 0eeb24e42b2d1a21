"""Snapshots: what a system said at one time. Tables: what comes out."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, Union

from . import _native
from ._inputs import Records, prepare
from ._work import run

if TYPE_CHECKING:
    import pandas

Coverage = Union[Literal["complete", "partial"], Mapping[str, Any]]
"""What part of a resource a snapshot holds: ``"complete"``, ``"partial"`` or ``{"within": predicate}``, such as
``{"within": {"field": "site", "is": "berlin"}}``. Only there may a missing record be called absent."""

Schema = Union[Mapping[str, str], Sequence[Mapping[str, Any]]]
"""The columns of rows: ``{name: type}``, or a list of ``{"name": …, "type": …}`` with facts such as ``"secret": True``.
Types are ``bool int float decimal(p,s) text bytes date datetime instant list<T> struct<a:T>``."""

Consistency = Literal["snapshot", "best_effort"]


class Snapshot:
    """An immutable set of records of one resource, with where they come from and what they cover.

    >>> import trueup as tu
    >>> devices = tu.Snapshot([{"serial": "A1", "site": "berlin"}],
    ...                       coverage={"within": {"field": "site", "is": "berlin"}},
    ...                       provenance={"system": "intune", "read_id": "r-17"})
    >>> len(devices), devices.provenance["read_id"]
    (1, 'r-17')

    Wherever records are taken, a snapshot may be given; one is needed only to say more than the records do. Rows may be
    dicts, or lists and tuples when ``schema`` names the columns. Any library that knows the Arrow PyCapsule interface
    takes a snapshot as a table.
    """

    __slots__ = ("_native",)

    def __init__(
        self,
        data: Records | Sequence[Sequence[Any]],
        *,
        schema: Schema | None = None,
        coverage: Coverage | None = None,
        provenance: Mapping[str, Any] | None = None,
        consistency: Consistency | None = None,
    ) -> None:
        facts = _given(coverage=coverage, provenance=provenance, consistency=consistency)
        self._native: _native.Snapshot = run(_native.Snapshot.make(prepare(data, "data"), "data", schema, facts))

    @classmethod
    def _of(cls, native: _native.Snapshot) -> Snapshot:
        snapshot = cls.__new__(cls)
        snapshot._native = native
        return snapshot

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Snapshot:
        """Loads what :meth:`save` saved, or any Parquet file as a complete snapshot."""
        return cls._of(run(_native.Snapshot.load(path)))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Saves it as a Parquet file that any tool can read, with provenance and coverage; secret fields too."""
        run(self._native.save(path))

    def with_facts(
        self,
        *,
        coverage: Coverage | None = None,
        provenance: Mapping[str, Any] | None = None,
        consistency: Consistency | None = None,
    ) -> Snapshot:
        """The same records with other facts; members of the provenance that are not given stay."""
        facts = _given(coverage=coverage, provenance=provenance, consistency=consistency)
        return self._of(self._native.with_facts(facts))

    def with_field(
        self,
        name: str,
        *,
        role: Literal["data", "key", "id", "version"] | None = None,
        writable: bool | None = None,
        immutable: bool | None = None,
        secret: bool | None = None,
    ) -> Snapshot:
        """The same records with other facts of a field.

        >>> import trueup as tu
        >>> devices = tu.Snapshot([{"serial": "A1", "pin": "0000"}]).with_field("pin", secret=True)
        >>> devices.fields[1]["secret"]
        True
        """
        facts = _given(role=role, writable=writable, immutable=immutable, secret=secret)
        return self._of(self._native.with_field(name, facts))

    @property
    def fields(self) -> list[dict[str, Any]]:
        """The fields: name, type, role and facts of each."""
        fields: list[dict[str, Any]] = self._native.facts()["fields"]
        return fields

    @property
    def coverage(self) -> Any:
        """What it covers."""
        return self._native.facts()["coverage"]

    @property
    def provenance(self) -> dict[str, Any]:
        """Where it comes from: tenant, system, resource, read id, …"""
        provenance: dict[str, Any] = self._native.facts()["provenance"]
        return provenance

    @property
    def consistency(self) -> Consistency:
        """Whether it was taken at one moment."""
        consistency: Consistency = self._native.facts()["consistency"]
        return consistency

    def content_root(self, key: str | Sequence[str]) -> str:
        """The root of the tree over all records, in hexadecimal digits: it stands for the content."""
        return run(self._native.content_root(names(key, "key")))

    def __len__(self) -> int:
        return self._native.rows()

    def __repr__(self) -> str:
        names = ", ".join(f"{field['name']} {field['type']}" for field in self.fields)
        return f"Snapshot({len(self):,} rows: {names})"

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._native.__arrow_c_stream__(requested_schema)

    def __arrow_c_schema__(self) -> object:
        return self._native.__arrow_c_schema__()


class Table:
    """A table of results. Take it wherever you like, as often as you like: ``pl.DataFrame(table)``,
    ``pa.table(table)``, ``duckdb.from_arrow(table)``; or use :meth:`to_dicts` and :meth:`to_pandas`.

    >>> import trueup as tu
    >>> report = tu.reconcile([{"id": 1, "os": "14"}], [{"id": 1, "os": "13"}], key="id")
    >>> report.findings.column_names
    ['finding_id', 'kind', 'id', 'field', 'expected', 'actual']
    >>> [(row["field"], row["expected"], row["actual"]) for row in report.findings]
    [('os', '14', '13')]
    """

    __slots__ = ("_native",)

    def __init__(self, native: _native.Table) -> None:
        self._native = native

    @property
    def column_names(self) -> list[str]:
        """The names of the columns."""
        return self._native.column_names()

    def to_dicts(self) -> list[dict[str, Any]]:
        """All rows as dicts."""
        return self._native.dicts(0, len(self))

    def to_pandas(self) -> pandas.DataFrame:
        """A pandas frame; as Arrow columns where pyarrow is installed."""
        frame: pandas.DataFrame
        try:
            frame = import_module("pyarrow").table(self).to_pandas()
        except ImportError:
            frame = import_module("pandas").DataFrame(self.to_dicts(), columns=self.column_names)
        return frame

    def head(self, rows: int = 10) -> list[dict[str, Any]]:
        """The first rows as dicts."""
        return self._native.dicts(0, max(rows, 0))

    def __len__(self) -> int:
        return self._native.rows()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        step = 4096
        for start in range(0, len(self), step):
            yield from self._native.dicts(start, step)

    def __repr__(self) -> str:
        return f"Table({len(self):,} rows: {', '.join(self.column_names)})"

    def _repr_html_(self) -> str:
        from html import escape

        names = self.column_names
        head = "".join(f"<th>{escape(name)}</th>" for name in names)
        cells = ("".join(f"<td>{_shown(row[name])}</td>" for name in names) for row in self.head(20))
        body = "".join(f"<tr>{row}</tr>" for row in cells)
        more = f"<p>{len(self):,} rows; the first 20 are shown.</p>" if len(self) > 20 else ""
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._native.__arrow_c_stream__(requested_schema)

    def __arrow_c_schema__(self) -> object:
        return self._native.__arrow_c_schema__()


def names(given: str | Sequence[str], what: str) -> list[str]:
    """A name or several."""
    if isinstance(given, str):
        return [given]
    if isinstance(given, (list, tuple)) and all(isinstance(name, str) for name in given):
        return list(given)
    raise TypeError(f"`{what}` must be a name or a list of names, not {given!r}")


def _given(**facts: Any) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if value is not None}


def _shown(value: object) -> str:
    from html import escape

    return "<i>null</i>" if value is None else escape(str(value))
