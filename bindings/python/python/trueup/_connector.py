"""Connectors: those that come along, and what it takes to write one in Python."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Protocol, Union

from . import _native

from ._snapshot import Coverage, Snapshot, Table
from ._work import Progress, run, wait


@dataclass(frozen=True)
class ReadRequest:
    """Asks a connector for one page."""

    resource: str
    """The resource to read."""
    cursor: str | None = None
    """The page after the one that gave this cursor; None for the first."""
    since: str | None = None
    """Only what changed after the reading that gave this token."""
    page_size: int | None = None
    """The most records the page may have."""


@dataclass(frozen=True)
class Page:
    """One page of records, as a connector gives it. A dict with these members is one too."""

    MEMBERS: ClassVar[tuple[str, ...]] = ("records", "next", "resume", "removed", "coverage")

    records: Any
    """A list of dicts, or any table with the Arrow PyCapsule interface."""
    next: str | None = None
    """Where the next page is; None after the last."""
    resume: str | None = None
    """On the last page: the token a later delta goes on from."""
    removed: Sequence[Mapping[str, Any]] = ()
    """In a delta, what is no longer there: ``{"key": [...]}`` or ``{"id": "..."}``."""
    coverage: Coverage = "complete"
    """What the whole reading covers, as far as this page can tell."""


class ConnectorLike(Protocol):
    """What makes an object a connector, from whichever package it comes. Methods may be coroutines.

    ``describe`` says what there is, as data: ``{"system": …, "instance": …, "tenant": …, "capability": {"page_size":
    True, "delta": False, "consistency": "best_effort"}, "resources": [{"name": …, "fields": [{"name": …, "type": …,
    "role": "key"}]}]}``; only ``system`` and ``resources`` are needed. ``check`` raises where the system cannot be read.
    """

    def describe(self) -> Mapping[str, Any] | Awaitable[Mapping[str, Any]]: ...
    def read_page(self, request: ReadRequest, /) -> Any: ...


class Connector:
    """One system that records can be read from; the base of connectors written in Python.

    Following ``next`` from the first page to the last gives every record that the pages' coverage includes. An error is
    never data: raise it (:class:`trueup.UnavailableError`, say), and do not return an empty page.

    >>> import trueup as tu
    >>> class Numbers(tu.Connector):
    ...     def describe(self):
    ...         fields = [{"name": "n", "type": "int", "role": "key"}]
    ...         return {"system": "numbers", "resources": [{"name": "small", "fields": fields}]}
    ...     def read_page(self, request):
    ...         start = int(request.cursor or 0)
    ...         rows = [{"n": n} for n in range(start, start + 2)]
    ...         return tu.Page(rows, next=None if start == 4 else str(start + 2))
    >>> len(Numbers().read("small"))
    6

    Methods may be coroutines. What ``read`` does works with any object that has these methods: ``tu.read(object, …)``.
    """

    def describe(self) -> Any:
        """What there is: see :class:`ConnectorLike`."""
        raise NotImplementedError(f"{type(self).__name__} does not say what it can read")

    def check(self) -> Any:
        """Raises where settings, reachability or permissions stand in the way of reading."""
        return None

    def read_page(self, request: ReadRequest) -> Any:
        """One page: a :class:`Page`, or a dict with its members."""
        raise NotImplementedError(f"{type(self).__name__} reads nothing")

    def read(
        self, resource: str, *, page_size: int | None = None, progress: bool | Progress | None = None
    ) -> Snapshot:
        """A whole resource; the connector is held to its promises."""
        return read(self, resource, page_size=page_size, progress=progress)

    async def read_async(
        self, resource: str, *, page_size: int | None = None, progress: bool | Progress | None = None
    ) -> Snapshot:
        """:meth:`read` without holding up the event loop; coroutines of the connector run on it."""
        return await read_async(self, resource, page_size=page_size, progress=progress)

    def read_delta(self, resource: str, since: str, *, page_size: int | None = None) -> Delta:
        """What changed since the reading whose provenance has this ``cursor``; see :class:`Delta`."""
        return read_delta(self, resource, since, page_size=page_size)

    def pages(self, resource: str, *, page_size: int | None = None) -> Iterator[Page]:
        """Page after page, as the engine sees them."""
        source, cursor = _source(self, None), None
        while True:
            page = _page(run(source.read_page(resource, cursor, None, page_size)))
            yield page
            if page.next is None:
                return
            cursor = page.next


class _BuiltIn(Connector):
    """A connector of the library."""

    _built: _native.Source

    def describe(self) -> dict[str, Any]:
        return run(self._built.describe())

    def check(self) -> None:
        run(self._built.check())

    def read_page(self, request: ReadRequest) -> Page:
        work = self._built.read_page(request.resource, request.cursor, request.since, request.page_size)
        return _page(run(work))


class Files(_BuiltIn):
    """Files as a system: CSV, JSON lines, JSON, Parquet and Arrow, each a resource; types are found without loss.

    A file is a path, or a dict of settings: ``{"path": "stock.csv", "key": ["sku"], "csv": {"delimiter": ";"}}``.
    """

    def __init__(
        self, *files: str | os.PathLike[str] | Mapping[str, Any], tenant: str = "", threads: int | None = None
    ) -> None:
        settings: dict[str, Any] = {"files": [_file(file) for file in files], "tenant": tenant}
        if threads is not None:
            settings["threads"] = threads
        self._built = _native.Source.files(settings)


class Sqlite(_BuiltIn):
    """The tables and queries of an SQLite file; every table if none is named.

    A resource is ``{"table": "packages"}`` or ``{"name": "open", "query": "select …", "key": ["id"]}``; settings are
    ``types``, ``tenant``, ``busy_timeout_ms`` and ``idle_timeout_ms``.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        resources: Sequence[str | Mapping[str, Any]] = (),
        **settings: Any,
    ) -> None:
        config = {"path": os.fspath(path), "resources": _resources(resources), **settings}
        self._built = _native.Source.sqlite(config)


class Postgres(_BuiltIn):
    """The tables and queries of a PostgreSQL database; every table that the user may read if none is named.

    By an address, ``Postgres("postgres://user@host/database", password=…)``, or by settings: ``host``, ``port``,
    ``database``, ``user``, ``tls``, ``ca_file``, ``tenant``, … The password never shows.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        password: str | None = None,
        resources: Sequence[str | Mapping[str, Any]] = (),
        **settings: Any,
    ) -> None:
        self._built = run(self._connect(url, password, resources, settings))

    @classmethod
    async def connect_async(
        cls,
        url: str | None = None,
        *,
        password: str | None = None,
        resources: Sequence[str | Mapping[str, Any]] = (),
        **settings: Any,
    ) -> Postgres:
        """Connects without holding up the event loop."""
        made = cls.__new__(cls)
        made._built = await wait(cls._connect(url, password, resources, settings))
        return made

    @staticmethod
    def _connect(
        url: str | None,
        password: str | None,
        resources: Sequence[str | Mapping[str, Any]],
        settings: dict[str, Any],
    ) -> _native.Work[_native.Source]:
        config = _paths(dict(settings))
        if resources:
            config["resources"] = _resources(resources)
        return _native.Source.postgres(config, url, password)


AnyConnector = Union[Connector, ConnectorLike]


def read(
    connector: AnyConnector,
    resource: str,
    *,
    page_size: int | None = None,
    progress: bool | Progress | None = None,
) -> Snapshot:
    """Reads a whole resource through a connector, which is held to its promises.

    A connector that breaks the contract (a cursor that stands twice, a page of other columns) raises
    :class:`ProtocolError`; an exception of the connector is the ``__cause__`` of what is raised.
    """
    return Snapshot._of(run(_source(connector, None).read(resource, page_size), progress))


async def read_async(
    connector: AnyConnector,
    resource: str,
    *,
    page_size: int | None = None,
    progress: bool | Progress | None = None,
) -> Snapshot:
    """:func:`read` without holding up the event loop; coroutines of the connector run on it."""
    return Snapshot._of(await wait(_source(connector, _loop()).read(resource, page_size), progress))


class Delta(NamedTuple):
    """What changed in a resource since a reading: every record once, as it is now.

    First the removed ones go, then the records take the place of those with their keys.
    """

    records: Snapshot
    """The records that were made or changed; its provenance has the ``cursor`` to go on from."""
    removed: list[dict[str, Any]]
    """The records that are gone: ``{"key": [...]}`` or ``{"id": "..."}``."""


def read_delta(connector: AnyConnector, resource: str, since: str, *, page_size: int | None = None) -> Delta:
    """Reads what changed in a resource since the reading whose provenance has this ``cursor``."""
    records, removed = run(_source(connector, None).read_delta(resource, since, page_size))
    return Delta(Snapshot._of(records), removed)


async def read_delta_async(
    connector: AnyConnector, resource: str, since: str, *, page_size: int | None = None
) -> Delta:
    """:func:`read_delta` without holding up the event loop."""
    records, removed = await wait(_source(connector, _loop()).read_delta(resource, since, page_size))
    return Delta(Snapshot._of(records), removed)


def describe(connector: AnyConnector) -> dict[str, Any]:
    """What a connector says of itself, all of it: system, capability, resources with their fields."""
    return run(_source(connector, None).describe())


async def describe_async(connector: AnyConnector) -> dict[str, Any]:
    """:func:`describe` without holding up the event loop."""
    return await wait(_source(connector, _loop()).describe())


def check(connector: AnyConnector) -> None:
    """Raises what stands in the way of reading, with what to do about it."""
    run(_source(connector, None).check())


async def check_async(connector: AnyConnector) -> None:
    """:func:`check` without holding up the event loop."""
    await wait(_source(connector, _loop()).check())


def _source(connector: AnyConnector, loop: object) -> _native.Source:
    if isinstance(connector, _BuiltIn):
        return connector._built
    if not hasattr(connector, "describe") or not hasattr(connector, "read_page"):
        raise TypeError(f"`connector` must have `describe` and `read_page`; {type(connector).__name__} has not")
    return _native.Source.host(connector, loop)


def _loop() -> object:
    import asyncio

    return asyncio.get_running_loop()


def _page(read: tuple[_native.Table, dict[str, Any]]) -> Page:
    records, facts = read
    return Page(Table(records), **facts)


def _file(file: str | os.PathLike[str] | Mapping[str, Any]) -> dict[str, Any]:
    return _paths(dict(file) if isinstance(file, Mapping) else {"path": file})


def _resources(resources: Sequence[str | Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{"table": one} if isinstance(one, str) else dict(one) for one in resources]


def _paths(settings: dict[str, Any]) -> dict[str, Any]:
    return {name: os.fspath(value) if isinstance(value, os.PathLike) else value for name, value in settings.items()}


