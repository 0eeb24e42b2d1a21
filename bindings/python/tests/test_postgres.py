"""PostgreSQL, on a server of the test's own on loopback, where its programs are installed."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import trueup as tu


def programs() -> Path | None:
    """Where PostgreSQL's server programs are: on the path, or where Debian puts them."""
    initdb = shutil.which("initdb")
    places = [Path(initdb).parent] if initdb else sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((place for place in places if (place / "initdb").exists()), None)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    place = programs()
    if place is None:
        if os.environ.get("TRUEUP_REQUIRE_POSTGRES"):
            raise AssertionError("PostgreSQL's server programs are not installed")
        pytest.skip("PostgreSQL's server programs are not installed")
    # The server refuses to run as the superuser of the machine.
    user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    folder = Path(tempfile.mkdtemp(prefix="trueup-pg-"))
    if user:
        shutil.chown(folder, "postgres")

    def call(program: str, *arguments: str, text: str = "") -> None:
        command = [*user, str(place / program), *arguments]
        subprocess.run(command, check=True, capture_output=True, cwd=folder, input=text.encode())

    data = str(folder / "data")
    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
    call("initdb", "-D", data, "-U", "tester", "--auth=trust", "-E", "UTF8", "--no-sync")
    rows = "create table devices (serial text primary key, gib numeric(6,2))\ninsert into devices values ('A1', 1.5)\n"
    call("postgres", "--single", "-D", data, "postgres", text=rows)
    call("pg_ctl", "-D", data, "-o", options, "-l", str(folder / "log"), "-w", "start")
    try:
        yield str(folder)
    finally:
        call("pg_ctl", "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def test_a_table_is_read_by_settings(address: str) -> None:
    postgres = tu.Postgres(host=address, database="postgres", user="tester", resources=["devices"])
    snapshot = postgres.read("devices")
    assert [(field["name"], field["type"]) for field in snapshot.fields] == [("serial", "text"), ("gib", "decimal(6,2)")]
    assert tu.reconcile(snapshot, [{"serial": "A1", "gib": 1.5}], key="serial").converged


def test_a_table_is_read_by_address_and_awaited(address: str) -> None:
    url = f"host={address} dbname=postgres user=tester password=sesame"

    async def main() -> tu.Snapshot:
        postgres = await tu.Postgres.connect_async(url, tenant="acme")
        assert "sesame" not in repr(vars(postgres)) + str(await tu.describe_async(postgres))
        [resource] = (await tu.describe_async(postgres))["resources"]
        return await postgres.read_async(resource["name"])

    snapshot = asyncio.run(main())
    assert (len(snapshot), snapshot.provenance["tenant"]) == (1, "acme")


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(tu.UnavailableError) as caught:
        tu.Postgres(host=str(tmp_path), database="x", user="me", password="sesame")
    assert caught.value.retry and "sesame" not in str(caught.value)
