"""Waiting for work in the background: in a call, in a coroutine, with a progress bar or without."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, TextIO, TypeVar, Union

if TYPE_CHECKING:
    from ._native import Work

T = TypeVar("T")

Progress = Callable[[str, int, Union[int, None]], object]
"""Called with the stage, the rows done and the rows in all (where that is known)."""

# Between two looks at the keyboard and at the progress.
PULSE = 0.05
# How long a cancelled call waits for its work to end.
PATIENCE = 0.5


def run(work: Work[T], progress: bool | Progress | None = None) -> T:
    """What the work gives. Ctrl-C, or an exception of the progress callback, cancels it."""
    with listener(progress) as listen:
        try:
            while not work.wait(PULSE):
                tell(work, listen)
            tell(work, listen)
        except BaseException:
            work.cancel()
            work.wait(PATIENCE)
            raise
    return work.result()


async def wait(work: Work[T], progress: bool | Progress | None = None) -> T:
    """What the work gives. Cancelling the task cancels it."""
    import asyncio

    loop = asyncio.get_running_loop()
    over = asyncio.Event()

    def ring() -> None:
        try:
            loop.call_soon_threadsafe(over.set)
        except RuntimeError:
            pass  # The loop was closed: nobody waits any more.

    work.when_over(ring)
    with listener(progress) as listen:
        try:
            while not over.is_set():
                try:
                    await asyncio.wait_for(over.wait(), None if listen is None else PULSE)
                except asyncio.TimeoutError:
                    pass
                tell(work, listen)
        except BaseException:
            work.cancel()
            raise
    return work.result()


def tell(work: Work[Any], listen: Progress | None) -> None:
    """Passes on how far the work is."""
    if listen is not None:
        state = work.progress()
        if state is not None:
            listen(*state)


@contextmanager
def listener(progress: bool | Progress | None) -> Generator[Progress | None, None, None]:
    """Who is told of progress: a callback, a bar for ``True``, nobody."""
    if not progress:
        yield None
    elif progress is not True:
        if not callable(progress):
            raise TypeError(f"`progress` must be true, false or a function, not {type(progress).__name__}")
        yield progress
    else:
        bar = make_bar()
        try:
            yield bar
        finally:
            bar.close()


def make_bar() -> Bar | TqdmBar:
    """tqdm's bar where tqdm is installed (it knows notebooks), else one line of text."""
    try:
        # Without ipywidgets tqdm warns of its own second choice, which is good enough.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return TqdmBar(import_module("tqdm.auto").tqdm)
    except ImportError:
        return Bar(sys.stderr)


def counted(stage: str) -> str:
    """What a stage counts."""
    return {"execute": "changes", "conformance": "promises"}.get(stage, "rows")


class TqdmBar:
    """A bar of tqdm for each stage."""

    def __init__(self, make: Any) -> None:
        self._make, self._bar, self._stage = make, None, ""

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        if stage != self._stage:
            self.close()
            self._stage = stage
            self._bar = self._make(total=total, desc=stage, unit=f" {counted(stage)}", unit_scale=True)
        if self._bar is not None:
            self._bar.total = total
            self._bar.update(done - self._bar.n)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
        self._bar = None


class Bar:
    """One line of text, written anew a few times a second; only on a terminal."""

    WIDTH = 30

    def __init__(self, out: TextIO) -> None:
        self._out, self._shown, self._last = out, False, 0.0

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        now = time.monotonic()
        if not self._out.isatty() or now - self._last < 0.1:
            return
        self._last, self._shown = now, True
        self._out.write("\r" + self.line(stage, done, total) + "\x1b[K")
        self._out.flush()

    def line(self, stage: str, done: int, total: int | None) -> str:
        """
        >>> Bar(sys.stderr).line("compare", 500, 1000)
        'compare     [###############               ] 500 of 1,000 rows'
        >>> Bar(sys.stderr).line("read", 500, None)
        'read        500 rows'
        """
        if not total:
            return f"{stage:<11} {done:,} {counted(stage)}"
        full = self.WIDTH * min(done, total) // total
        return f"{stage:<11} [{'#' * full:<{self.WIDTH}}] {done:,} of {total:,} {counted(stage)}"

    def close(self) -> None:
        if self._shown:
            self._out.write("\r\x1b[K")
            self._out.flush()
