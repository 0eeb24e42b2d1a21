"""Moments: milliseconds since the Unix epoch in the native half, datetimes with a time zone in Python."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def millis(moment: datetime | None, what: str = "now") -> int:
    """The moment's milliseconds; now, where there is none."""
    moment = datetime.now(timezone.utc) if moment is None else moment
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise TypeError(f"`{what}` must be a datetime with a time zone, not {moment!r}")
    return (moment - EPOCH) // timedelta(milliseconds=1)


def moment(milliseconds: int) -> datetime:
    """A moment beyond what Python's calendar has counts as its end: it never comes."""
    try:
        return EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return datetime.max.replace(tzinfo=timezone.utc)


def maybe(milliseconds: int | None) -> datetime | None:
    """The moment, where there is one."""
    return None if milliseconds is None else moment(milliseconds)
