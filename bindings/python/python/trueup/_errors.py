"""The exceptions: one class a kind, all under :class:`Error`.

A kind says what the caller can do; the message says what happened, where, and what to do next. It is the same text in
every language.
"""

from __future__ import annotations

from typing import ClassVar


class Error(Exception):
    """What went wrong, where, and what to do next.

    >>> import trueup as tu
    >>> try:
    ...     tu.reconcile([{"id": 1}], [{"id": 1}], key="idd")
    ... except tu.Error as error:
    ...     print(error.kind, "-", error)
    invalid - unknown key field `idd`; did you mean `id`?
    """

    kind: ClassVar[str] = "internal"
    """The kind's name, the same in every language: what the caller can do."""

    def __init__(
        self,
        message: str,
        context: dict[str, str] | None = None,
        retry: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.context: dict[str, str] = context or {}
        """Where it happened: ``file``, ``line``, ``column``, ``side``, …"""
        self.retry: bool = retry
        """Whether the same call may be made again."""
        self.retry_after: float | None = retry_after
        """After how many seconds at the earliest, where the system said so."""


class InvalidError(Error):
    """The call, a rule or a setting is wrong: change it."""

    kind = "invalid"


class DataError(Error):
    """What a source holds is malformed or cannot be represented: mend the source or its settings."""

    kind = "data"


class IncompatibleError(Error):
    """Two sides cannot be compared as they are: add a rule or a mapping."""

    kind = "incompatible"


class NotFoundError(Error):
    """The thing named is not there."""

    kind = "not_found"


class UnauthenticatedError(Error):
    """The system does not know who is calling: check the credentials."""

    kind = "unauthenticated"


class ForbiddenError(Error):
    """The system knows the caller and says no: ask for the permission."""

    kind = "forbidden"


class UnavailableError(Error):
    """The system cannot be reached or cannot answer now: try again."""

    kind = "unavailable"


class ThrottledError(Error):
    """The system asks for fewer calls: try again after the time it names."""

    kind = "throttled"


class ConflictError(Error):
    """Something else changed the target in the meantime: read again."""

    kind = "conflict"


class UnsupportedError(Error):
    """A newer version, or an ability that is not there: upgrade, or do without."""

    kind = "unsupported"


class CancelledError(Error):
    """The caller cancelled the work; nothing is half done."""

    kind = "cancelled"


class LimitError(Error):
    """A bound set by the caller or by this library was reached."""

    kind = "limit"


class ProtocolError(Error):
    """A connector broke the contract: report it to its author."""

    kind = "protocol"


class UnknownError(Error):
    """Whether an effect took place is not known: ask a person."""

    kind = "unknown"


class InternalError(Error):
    """A mistake in trueup itself: report it."""

    kind = "internal"
