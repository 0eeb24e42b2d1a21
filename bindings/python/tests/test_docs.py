"""The examples in docstrings and in the README run, and do what they say."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest

import trueup

MODULES = ["trueup", *(f"trueup.{module.name}" for module in pkgutil.iter_modules(trueup.__path__))]
README = Path(__file__).resolve().parents[1] / "README.md"


@pytest.mark.parametrize("name", MODULES)
def test_docstrings(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_the_readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    results = doctest.testfile(str(README), module_relative=False)
    assert results.failed == 0 and results.attempted >= 10


@pytest.mark.parametrize("name", trueup.__all__)
def test_every_public_name_is_documented(name: str) -> None:
    assert getattr(trueup, name).__doc__
