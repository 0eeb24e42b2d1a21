"""Reports: what two snapshots agree and disagree on; and drift, from one report to the next."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from . import _native
from ._inputs import Records, prepare
from ._snapshot import Snapshot, Table
from ._work import run

if TYPE_CHECKING:
    from ._plan import Plan


class Counts(NamedTuple):
    """How many keys there are of each kind; they sum to the distinct keys (``unkeyed`` counts rows).

    >>> import trueup as tu
    >>> counts = tu.reconcile([{"id": 1}], [{"id": 2}], key="id").counts
    >>> counts.missing, counts.total
    (1, 2)
    """

    matched: int
    missing: int
    unexpected: int
    changed: int
    duplicate: int
    ambiguous: int
    conflict: int
    uncovered: int
    unkeyed: int
    renamed: int = 0
    """Of the changed keys, those that are one record under two keys."""

    @property
    def total(self) -> int:
        """How many distinct keys there are."""
        return sum(self) - self.unkeyed - self.renamed

    def __str__(self) -> str:
        said = [f"{name} {count:,}" for name, count in self._asdict().items() if count or name == "matched"]
        return ", ".join(said)


@dataclass(frozen=True)
class Explanation:
    """One finding in words; shown, it is a few lines of text."""

    id: str
    kind: str
    cause: str | None
    key: dict[str, str | None]
    field: str | None
    rule: str | None
    expected: str | None
    actual: str | None
    expected_as: str | None
    """What the expected value was compared as, where the rule changed it."""
    actual_as: str | None
    rows: list[dict[str, Any]]
    """The rows of a finding about several: ``side`` and ``row``."""
    remedy: str
    """What would make both sides agree."""
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Input:
    """Where the records of one side came from."""

    provenance: dict[str, Any]
    consistency: str
    rows: int
    content_root: str


class Inputs(NamedTuple):
    """What a report compared."""

    expected: Input
    actual: Input


class Report:
    """What two snapshots agree and disagree on; made by :func:`trueup.reconcile`.

    In a notebook it shows itself: counts, fields, and the first findings, which can be filtered.

    >>> import trueup as tu
    >>> report = tu.reconcile([{"id": 1, "os": "14"}, {"id": 2, "os": "14"}],
    ...                       [{"id": 1, "os": "13"}], key="id", name="fleet")
    >>> report
    Report(fleet: matched 0, missing 1, changed 1)
    >>> report.counts_by_field, report.converged
    ({'os': 1}, False)
    """

    def __init__(self, native: _native.Report) -> None:
        self._native = native
        self._facts: dict[str, Any] = native.facts()

    @property
    def name(self) -> str:
        """The name of the reconciliation."""
        name: str = self._facts["name"]
        return name

    @property
    def tenant(self) -> str:
        """Whose data was compared."""
        tenant: str = self._facts["tenant"]
        return tenant

    @property
    def resource(self) -> str:
        """The resource that was compared."""
        resource: str = self._facts["resource"]
        return resource

    @property
    def key(self) -> list[str]:
        """The key fields."""
        return list(self._facts["key"])

    @property
    def counts(self) -> Counts:
        """How many keys there are of each kind."""
        return Counts(**self._facts["counts"])

    @property
    def counts_by_field(self) -> dict[str, int]:
        """How many cells differ, by field; fields without a difference are not in it."""
        return dict(self._facts["counts_by_field"])

    @property
    def converged(self) -> bool:
        """Whether both sides agree, as far as can be told: nothing but matched keys."""
        converged: bool = self._facts["converged"]
        return converged

    @property
    def rules_digest(self) -> str:
        """The digest of the rules the comparison went by."""
        digest: str = self._facts["rules_digest"]
        return digest

    @cached_property
    def digest(self) -> str:
        """The digest over name, rules, coverage, counts and findings: the same on any machine, in any language."""
        return run(self._native.digest())

    @cached_property
    def findings(self) -> Table:
        """The findings: finding_id, kind, the key columns, field, expected, actual; after a three-way comparison cause.

        A ``changed`` or ``conflict`` key has a row a differing field, every other finding one row.
        """
        return Table(run(self._native.findings()))

    def states(self) -> dict[str, str]:
        """Every finding's id, and the digest of its state."""
        return run(self._native.states())

    def explain(self, finding_id: str) -> Explanation:
        """One finding in words: the rule, the two values, and what would make both sides agree.

        >>> import trueup as tu
        >>> report = tu.reconcile([{"id": 1, "os": "14"}], [{"id": 1, "os": "13"}], key="id")
        >>> report.explain(report.findings.head(1)[0]["finding_id"]).remedy
        'set `os` to `14` on the actual side'
        """
        return Explanation(**run(self._native.explain(finding_id)))

    def members(self, finding_id: str) -> Table:
        """The rows of a ``duplicate`` or ``ambiguous`` finding: finding_id, side, occurrence, then the fields."""
        return Table(run(self._native.members(finding_id)))

    def matched(self) -> Table:
        """The expected side's rows of the keys that matched; secrets are masked."""
        return Table(run(self._native.matched()))

    def inputs(self) -> Inputs:
        """Where both sides came from, with their content roots, which are computed now: a hash a record."""
        said = run(self._native.inputs())
        return Inputs(Input(**said["expected"]), Input(**said["actual"]))

    def advance(self, base: Records | None = None) -> Snapshot:
        """The base for the next three-way comparison: what both sides last agreed on.

        >>> import trueup as tu
        >>> wish, state = [{"id": 1, "os": "14"}], [{"id": 1, "os": "14"}]
        >>> base = tu.reconcile(wish, state, key="id").advance()
        >>> later = tu.reconcile(wish, [{"id": 1, "os": "15"}], key="id", base=base)
        >>> later.findings.to_dicts()[0]["cause"]
        'actual_changed'
        """
        prepared = None if base is None else prepare(base, "base")
        return Snapshot._of(run(self._native.advance(prepared)))

    def plan(
        self,
        *,
        kinds: Sequence[str] | None = None,
        references: Sequence[str] = (),
        stages: Sequence[int] = (),
    ) -> Plan:
        """The changes that would make both sides agree; see :class:`trueup.Plan`.

        ``kinds`` are the kinds of findings that are settled (``missing``, ``unexpected`` and ``changed`` if not given),
        ``references`` fields whose value is the key of another record, which is made before; ``stages`` are rising
        percentages of the records, each a wave or more.
        """
        from ._plan import Plan

        kinds_ = None if kinds is None else list(kinds)
        planning = {"kinds": kinds_, "references": list(references), "stages": list(stages)}
        return Plan(run(_native.Plan.make(self._native, planning)))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Saves the report as one Parquet file that any tool can read; :meth:`load` takes it back."""
        run(self._native.save(path))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Report:
        """Loads a saved report, and holds it to its digest."""
        return cls(run(_native.Report.load(path)))

    def to_html(self, path: str | os.PathLike[str]) -> None:
        """Writes the report as one page that loads nothing from anywhere."""
        run(self._native.to_html(path))

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Writes the findings as CSV."""
        run(self._native.to_csv(path))

    def html(self) -> str:
        """The page of :meth:`to_html`."""
        return run(self._native.html())

    def __repr__(self) -> str:
        return f"Report({self.name + ': ' if self.name else ''}{self.counts})"

    def _repr_html_(self) -> str:
        """The page, in a frame of its own: neither takes the notebook's styles nor touches them."""
        from html import escape

        rows = min(self._facts["findings"], 12)
        fields = min(len(self._facts["counts_by_field"]), 8)
        height = 640 + 34 * rows + 24 * fields
        frame = "width:100%;border:0;border-radius:8px;color-scheme:light dark"
        page = escape(self.html(), quote=True)
        title = escape(f"Report {self.name}", quote=True)
        return (
            f'<iframe title="{title}" sandbox="allow-scripts" style="{frame};height:{min(height, 1000)}px" '
            f'srcdoc="{page}"></iframe>'
        )


class Drift:
    """What became of findings between two reports; made by :func:`trueup.drift`."""

    def __init__(self, native: _native.Drift) -> None:
        self._native = native
        self._facts: dict[str, Any] = native.facts()

    @property
    def counts(self) -> dict[str, int]:
        """How many findings were opened, changed, resolved and unchanged."""
        return dict(self._facts["counts"])

    @cached_property
    def opened(self) -> Table:
        """The findings that were not there before."""
        return Table(run(self._native.opened()))

    @cached_property
    def changed(self) -> Table:
        """The findings that say something else than before, as they are after."""
        return Table(run(self._native.changed()))

    @cached_property
    def resolved(self) -> Table:
        """The findings that are not there any more, as they were before."""
        return Table(run(self._native.resolved()))

    @property
    def unchanged_ids(self) -> list[str]:
        """The ids of the findings that say what they said before."""
        return self._native.unchanged_ids()

    @property
    def rules_changed(self) -> bool:
        """Whether the two reports went by other rules: then a finding may have gone although no record changed."""
        return bool(self._facts["rules_changed"])

    @property
    def coverage_changed(self) -> bool:
        """Whether a side covered something else: then a finding may have gone because nobody looked."""
        return bool(self._facts["coverage_changed"])

    @property
    def is_empty(self) -> bool:
        """Whether no finding opened, changed or was resolved."""
        return bool(self._facts["is_empty"])

    def __repr__(self) -> str:
        return f"Drift({self._facts['text']})"


def drift(before: Report, after: Report) -> Drift:
    """Compares the findings of two reports of one reconciliation, by id and state.

    >>> import trueup as tu
    >>> wish = [{"id": 1, "os": "14"}, {"id": 2, "os": "14"}]
    >>> monday = tu.reconcile(wish, [{"id": 1, "os": "13"}, {"id": 2, "os": "14"}], key="id")
    >>> tuesday = tu.reconcile(wish, [{"id": 1, "os": "14"}], key="id")
    >>> tu.drift(monday, tuesday)
    Drift(1 opened, 0 changed, 1 resolved, 0 unchanged)
    """
    for name, report in (("before", before), ("after", after)):
        if not isinstance(report, Report):
            raise TypeError(f"`{name}` must be a Report, not {type(report).__name__}")
    return Drift(run(_native.Drift.make(before._native, after._native)))
