"""Calls from the engine to connectors written in Python. The native half calls these, on threads of its own."""

from __future__ import annotations

import os
import threading
from collections.abc import Awaitable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio

PULSE = 0.05


def call(host: Any, method: str, asked: Any, loop: Any, stop: Any) -> Any:
    """What a connector's method gives, a coroutine's end awaited."""

    function = getattr(host, method, None)
    if function is None:
        if method == "check":
            return None  # A connector with nothing to check need not say so.
        raise TypeError(f"{type(host).__name__} is no connector: it has no `{method}`")
    answer = function(*arguments(method, asked))
    if isinstance(answer, Awaitable):
        answer = finish(answer, loop, stop)
    if method == "read_page":
        return page(answer)
    if method == "apply":
        if not isinstance(answer, (list, tuple)):
            raise TypeError(f"`apply` gives one receipt a change, in a list, not {type(answer).__name__}")
        return [receipt(one) for one in answer]
    return receipt(answer) if method == "status" else answer


def arguments(method: str, asked: Any) -> tuple[Any, ...]:
    """What a method is called with."""
    from ._connector import Change, ReadRequest

    if method == "read_page":
        return (ReadRequest(*asked),)
    if method == "apply":
        return ([Change(**change) for change in asked],)
    return () if asked is None else (asked,)


def receipt(said: Any) -> Any:
    """A receipt as plain data."""
    from ._connector import Receipt

    return dict(vars(said)) if isinstance(said, Receipt) else said


def page(answer: Any) -> tuple[Any, dict[str, Any]]:
    """The records of a page, and what it says beside them."""
    from ._connector import Page
    from ._inputs import prepare

    if isinstance(answer, Mapping):
        unknown = [name for name in answer if name not in Page.MEMBERS]
        if unknown:
            raise TypeError(f"a page has no member `{unknown[0]}`; it has {', '.join(Page.MEMBERS)}")
        members = dict(answer)
    else:
        members = {name: getattr(answer, name) for name in Page.MEMBERS if hasattr(answer, name)}
    if "records" not in members:
        raise TypeError(f"`read_page` gives a page with `records`, not {type(answer).__name__}")
    records = prepare(members.pop("records"), "records")
    return records, members


def finish(awaitable: Awaitable[Any], loop: asyncio.AbstractEventLoop | None, stop: Any) -> Any:
    """Waits for a coroutine on the caller's event loop, or on ours where there is none."""
    import asyncio

    async def whole() -> Any:
        return await awaitable

    target, coroutine = loop or own_loop(), whole()
    try:
        future = asyncio.run_coroutine_threadsafe(coroutine, target)
    except RuntimeError as cause:
        coroutine.close()
        close(awaitable)
        raise ConnectionError("the event loop is closed, and the connector's coroutine cannot run") from cause
    while True:
        try:
            return future.result(PULSE)
        except (asyncio.TimeoutError, TimeoutError):
            if future.done():
                return future.result()
            if (stop is not None and stop.is_set()) or not target.is_running():
                future.cancel()
                raise ConnectionError("the event loop stopped before the connector's coroutine ended") from None


def close(awaitable: Any) -> None:
    """A coroutine that never runs is closed, so that nobody is warned of it."""
    if hasattr(awaitable, "close"):
        awaitable.close()


_lock = threading.Lock()
_own: tuple[int, asyncio.AbstractEventLoop] | None = None


def own_loop() -> asyncio.AbstractEventLoop:
    """An event loop on a thread of its own, one a process."""
    global _own
    import asyncio

    with _lock:
        if _own is None or _own[0] != os.getpid():
            loop = asyncio.new_event_loop()
            threading.Thread(target=loop.run_forever, name="trueup-loop", daemon=True).start()
            _own = os.getpid(), loop
        return _own[1]
