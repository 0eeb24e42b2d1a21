"""When two values of a field agree: rules, as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any, Literal, Union

Amount = Union[int, float, str, Decimal]
"""A number, or decimal text such as ``"0.01"``. A float counts as the decimal that it is written as."""

Owner = Literal["expected", "actual", "none"]
"""Whose value counts when two sides differ, and so whose system a change would go to."""


class Rule:
    """The rule of one field: made by :func:`tolerance`, :func:`ignore`, :func:`text` and their like.

    Rules go together with ``|``: the text rule and the default of a field, say.

    >>> import trueup as tu
    >>> tu.text(case="ignore") | tu.default("none")
    Rule({'text': {'case': 'ignore'}, 'default': 'none'})
    """

    __slots__ = ("_members",)

    def __init__(self, members: Mapping[str, Any]) -> None:
        self._members = dict(members)

    def __or__(self, other: Rule) -> Rule:
        both = self._members.keys() & other._members.keys()
        if both:
            raise TypeError(f"both rules say `{sorted(both)[0]}`; take one")
        return Rule({**self._members, **other._members})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rule) and self._members == other._members

    def __hash__(self) -> int:
        return hash(repr(self._members))

    def __repr__(self) -> str:
        return f"Rule({self._members})"

    def __trueup_json__(self) -> dict[str, Any]:
        return self._members


def exact() -> Rule:
    """Values agree when they are equal: what holds without a rule."""
    return Rule({"compare": "exact"})


def ignore() -> Rule:
    """The field is not compared, and may stand on one side only."""
    return Rule({"compare": "ignore"})


def set() -> Rule:
    """Lists agree when they have the same elements: order and repeats mean nothing."""
    return Rule({"compare": "set"})


def subset() -> Rule:
    """Lists agree when every expected element is in the actual list."""
    return Rule({"compare": "subset"})


def tolerance(absolute: Amount | None = None, relative: Amount | None = None) -> Rule:
    """Numbers agree when they are no further apart than ``absolute``, or than ``relative`` times the larger.

    >>> import trueup as tu
    >>> report = tu.reconcile([{"id": 1, "kib": 100}], [{"id": 1, "kib": 103}], key="id",
    ...                       compare={"kib": tu.tolerance(absolute=4)})
    >>> report.converged
    True
    """
    amounts = {"absolute": absolute, "relative": relative}
    return Rule({"tolerance": {name: _amount(name, value) for name, value in amounts.items() if value is not None}})


def time_tolerance(amount: str | timedelta) -> Rule:
    """Times agree when they are no further apart than this: a ``timedelta``, or ``"90s"``, ``"5m"``, ``"1d"``, …"""
    if isinstance(amount, timedelta):
        amount = f"{amount // timedelta(microseconds=1)}us"
    return Rule({"time_tolerance": amount})


def text(
    *,
    case: Literal["exact", "ignore"] = "exact",
    space: Literal["exact", "trim", "collapse", "remove"] = "exact",
    unicode: Literal["exact", "nfc", "nfkc"] = "exact",
) -> Rule:
    """What of a text counts: upper and lower case, white space, the form of its characters."""
    members = {"case": case, "space": space, "unicode": unicode}
    return Rule({"text": {name: word for name, word in members.items() if word != "exact"}})


def alias(values: Mapping[str, Any] | Sequence[tuple[Any, Any]]) -> Rule:
    """Values that stand for others, as ``{from: to}`` or pairs; of a list, its elements."""
    pairs = list(values.items()) if isinstance(values, Mapping) else [tuple(pair) for pair in values]
    return Rule({"aliases": [list(pair) for pair in pairs]})


def default(value: object) -> Rule:
    """The value that null stands for."""
    return Rule({"default": value})


def zone(name: str) -> Rule:
    """The zone, by its IANA name, in which times without a zone are instants."""
    return Rule({"zone": name})


def owner(side: Owner) -> Rule:
    """Whose value counts when the two sides differ; with ``"none"`` the field is reported and never planned."""
    return Rule({"owner": side})


def _amount(name: str, value: Amount) -> int | float | str:
    if isinstance(value, bool) or not isinstance(value, (int, float, str, Decimal)):
        raise TypeError(f"`{name}` must be a number or decimal text, not {type(value).__name__}")
    return str(value) if isinstance(value, Decimal) else value
