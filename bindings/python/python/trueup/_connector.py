"""Connectors: those that come along, and what it takes to write one in Python."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple, Protocol, Union

from . import _native
from ._errors import Error, NotFoundError
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


@dataclass(frozen=True)
class Change:
    """One write that a decision allows: what a connector's ``apply`` gets. The changes come in the order of the plan."""

    resource: str
    operation: str
    """``create``, ``update``, ``delete``, or the name of an action."""
    key: dict[str, Any]
    """The values of the key before the change."""
    id: str | None
    version: str | None
    before: dict[str, Any]
    """The values it has now, as far as they are known: the precondition."""
    after: dict[str, Any]
    """The values it is to have; a key field among them renames the record."""
    idempotency_key: str
    """Unlike every other change's, and the same whenever this change is sent again."""

    def standing(self, record: Mapping[str, Any] | None) -> Literal["holds", "already", "stale"]:
        """What the record as it is now (none where there is none) means for the change: whether its precondition
        holds, it took place already, or somebody else changed the record. Values are compared exactly."""
        return _native.change_standing(dict(vars(self)), None if record is None else dict(record))


@dataclass(frozen=True)
class Receipt:
    """What became of one change; made by the methods that are called like its states."""

    state: str
    id: str | None = None
    version: str | None = None
    handle: str | None = None
    check_after: float | None = None
    message: str | None = None
    kind: str | None = None
    retry_after: float | None = None

    @classmethod
    def done(cls, *, id: str | None = None, version: str | None = None) -> Receipt:
        """It took place; with the target's identifier and version of the record, where it gave them."""
        return cls("done", id=id, version=version)

    @classmethod
    def pending(cls, handle: str, *, check_after: float = 1.0) -> Receipt:
        """The target works on it; ``status`` is asked with this handle, in so many seconds."""
        return cls("pending", handle=handle, check_after=check_after)

    @classmethod
    def stale(cls) -> Receipt:
        """Its precondition no longer holds; it was not carried out."""
        return cls("stale")

    @classmethod
    def refused(cls, why: str | Exception) -> Receipt:
        """It was not sent."""
        return cls("refused", **_why(why))

    @classmethod
    def failed(cls, why: str | Exception) -> Receipt:
        """The target said no; nothing was changed."""
        return cls("failed", **_why(why))

    @classmethod
    def unknown(cls, why: str | Exception) -> Receipt:
        """Whether it took place is not known."""
        return cls("unknown", **_why(why))


class ConnectorLike(Protocol):
    """What makes an object a connector, from whichever package it comes. Methods may be coroutines.

    ``describe`` says what there is, as data: ``{"system": …, "instance": …, "tenant": …, "capability": {"page_size":
    True, "delta": False, "consistency": "best_effort"}, "resources": [{"name": …, "fields": [{"name": …, "type": …,
    "role": "key"}]}]}``; only ``system`` and ``resources`` are needed. ``check`` raises where the system cannot be read.

    A resource that says something of ``idempotency`` can be written, by ``apply`` and ``status``: how sending a change
    twice is kept from having two effects. It is ``"key"`` (the target takes :attr:`Change.idempotency_key`),
    ``"conditional"`` (the target checks version or values before), ``{"read_back": seconds}`` (after so long the target
    shows what happened), ``"at_most_once"``, or a dict of these by operation. Its ``actions`` are what can be done beside
    creating, updating and deleting.
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
    A connector that writes has ``apply`` too, and says ``idempotency`` of the resources that it writes: only the
    executor calls it, with changes that a decision allows.
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

    def apply(self, changes: Sequence[Change]) -> Any:
        """Carries out changes: one receipt a change (:class:`Receipt`, its state as text, or a dict), in their order.

        A change that fails is a receipt, and the others go on. An exception means that nothing is known of any change
        in the call. What the resource's fields cannot take was refused before.
        """
        raise NotImplementedError(f"{type(self).__name__} writes nothing")

    def status(self, handle: str) -> Any:
        """What became of a change that was pending: a receipt."""
        raise NotFoundError(f"there is no pending change `{handle}`")

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


class _Layered(_BuiltIn):
    """A system within layers."""

    def __init__(self, source: _native.Source) -> None:
        self._built = source


def layered(
    connector: AnyConnector,
    *,
    timeout: Mapping[str, int] | None = None,
    rate: Mapping[str, int] | None = None,
    retry: Mapping[str, int] | None = None,
    read_only: bool = False,
) -> Connector:
    """The same system with manners: calls that end in time, that are not too many, and that are made again.

    :param timeout: ``{"ask_ms": 60_000, "apply_ms": 120_000}``: how long a question, and a write, may take
    :param rate: ``{"calls": 10, "per_ms": 1_000, "burst": 10}``: how many calls there may be in that time
    :param retry: ``{"attempts": 5, "first_ms": 200, "longest_ms": 30_000, "patience_ms": 300_000}``: how often a question
        is asked that could not be answered; a write is never made again by a layer
    :param read_only: without its writer

    >>> import trueup as tu
    >>> stock = tu.layered(tu.Files("stock.csv"), timeout={"ask_ms": 500}, retry={"attempts": 3}, read_only=True)
    """
    asked = {"timeout": timeout, "rate": rate, "retry": retry}
    layers: list[Any] = [{name: dict(settings)} for name, settings in asked.items() if settings is not None]
    return _Layered(opened(connector).within([*layers, "read_only"] if read_only else layers))


class Recording(NamedTuple):
    """A system whose answers are kept, and the tape that keeps them."""

    connector: Connector
    tape: Callable[[], str]
    """What it said so far, as JSON lines: for :func:`replay`."""


def record(connector: AnyConnector) -> Recording:
    """Keeps what a system answers, for tests without it. Resources with secret fields are refused."""
    source, tape = opened(connector).record()
    return Recording(_Layered(source), tape.text)


def replay(tape: str) -> Connector:
    """The system that says what is on a tape: the same answers to the same questions, in their order."""
    return _Layered(_native.Source.replay(tape))


def opened(connector: AnyConnector) -> _native.Source:
    """A connector whose description is known."""
    return run(_source(connector, None).opened())


async def opened_async(connector: AnyConnector) -> _native.Source:
    """The same; coroutines of the connector run on the caller's event loop."""
    return await wait(_source(connector, _loop()).opened())


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


def _why(why: str | Exception) -> dict[str, Any]:
    if isinstance(why, Error):
        return {"message": str(why), "kind": why.kind, "retry_after": why.retry_after}
    return {"message": why if isinstance(why, str) else f"{type(why).__name__}: {why}"}


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


