"""What a caller may give as records, made ready for the native half."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, Union, runtime_checkable

if TYPE_CHECKING:
    from ._snapshot import Snapshot


@runtime_checkable
class ArrowTable(Protocol):
    """Any table with the Arrow PyCapsule interface: of pyarrow, Polars, pandas, DuckDB, …"""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object: ...


Row = Mapping[str, Any]

Records = Union[ArrowTable, Sequence[Row], str, "os.PathLike[str]", "Snapshot"]
"""Records: a table with the Arrow PyCapsule interface, a list of dicts, a path to a CSV, JSON lines, Parquet or Arrow
file, or a :class:`Snapshot`."""


def prepare(data: Any, what: str) -> Any:
    """The records as the native half takes them."""
    from ._snapshot import Snapshot, Table

    if isinstance(data, (Snapshot, Table)):
        return data._native
    if isinstance(data, (list, str)):
        return data
    module, name = type(data).__module__.partition(".")[0], type(data).__name__
    if module == "pandas" and name == "DataFrame":
        return of_pandas(data)
    if module == "polars" and name == "LazyFrame":
        raise TypeError(f"`{what}` is a LazyFrame, which has no records yet; call `.collect()` on it")
    if isinstance(data, Mapping):
        raise TypeError(f"`{what}` is a dict; give rows (a list of dicts) or a table")
    if isinstance(data, tuple) or (hasattr(data, "__next__") and not hasattr(data, "__arrow_c_stream__")):
        return list(data)
    return data


def of_pandas(frame: Any) -> Any:
    """A frame whose index counts rows is its columns; an index with names is columns too."""
    unnamed = all(name is None for name in frame.index.names)
    if not unnamed or type(frame.index).__name__ != "RangeIndex":
        frame = frame.reset_index(drop=unnamed)
    try:
        import_module("pyarrow")
    except ImportError:
        return rows_of_pandas(frame)
    return frame


def rows_of_pandas(frame: Any) -> list[dict[str, Any]]:
    """Without pyarrow, pandas has no Arrow columns to give: then its rows are taken, NaN as null."""
    whole = frame.astype(object)
    rows: list[dict[str, Any]] = whole.where(frame.notna(), None).to_dict("records")
    return rows
