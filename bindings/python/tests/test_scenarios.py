"""Every golden scenario through Python: the same digests and the same kinds of errors."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import scenarios


@pytest.mark.parametrize("path", scenarios.files(scenarios.FOLDER), ids=lambda path: path.stem)
def test_scenario(path: Path) -> None:
    line = scenarios.check(path)
    assert line["passed"], line


def test_there_are_scenarios() -> None:
    assert len(scenarios.files(scenarios.FOLDER)) >= 145


def test_a_scenario_that_does_not_come_out_fails(tmp_path: Path) -> None:
    scenario = json.loads((scenarios.FOLDER / "basic.json").read_text())
    scenario["want"]["counts"]["matched"] += 1
    path = tmp_path / "wrong.json"
    path.write_text(json.dumps(scenario))
    command = [sys.executable, scenarios.__file__, str(path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert json.loads(ran.stdout)["passed"] is False
