"""The types are complete, true to the native half, and pass both checkers in their strict modes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def checked(*command: str) -> None:
    # Pyright finds packages by the Python that stands first on the path.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    full = [sys.executable, "-m", *command]
    ran = subprocess.run(full, capture_output=True, text=True, cwd=HERE, check=False, env={**os.environ, "PATH": path})
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_mypy_takes_the_package() -> None:
    checked("mypy", "--strict", "--python-version", "3.10", "-p", "trueup")


def test_mypy_takes_what_users_write() -> None:
    checked("mypy", "--strict", "typed.py")


def test_the_stubs_are_those_of_the_native_half() -> None:
    checked("mypy.stubtest", "trueup._native")


def test_pyright_takes_what_users_write(tmp_path: Path) -> None:
    settings = tmp_path / "pyrightconfig.json"
    program = (HERE / "typed.py").read_text()
    (tmp_path / "typed.py").write_text(program)
    settings.write_text('{"typeCheckingMode": "strict", "include": ["typed.py"], "reportMissingTypeStubs": false}')
    checked("pyright", "--project", str(settings))


def test_every_public_type_is_known() -> None:
    checked("pyright", "--verifytypes", "trueup", "--ignoreexternal")
