"""Storages of all three kinds; PostgreSQL runs as a server that the tests start."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest


def postgres_binary(name: str) -> str | None:
    places = [str(path) for path in Path("/usr/lib/postgresql").glob("*/bin")]
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), *places]))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL server that listens on a socket in a folder of its own."""
    pytest.importorskip("psycopg", reason="PostgreSQL is not tested: the package psycopg is missing")
    initdb, postgres = postgres_binary("initdb"), postgres_binary("postgres")
    if initdb is None or postgres is None:
        pytest.skip("PostgreSQL is not tested: its server is not installed")
    user = None
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        with contextlib.suppress(KeyError):
            user = pwd.getpwnam("postgres").pw_name
        if user is None:
            pytest.skip("PostgreSQL is not tested: it does not run as root, and there is no user postgres")
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    if user is not None:
        shutil.chown(folder, user)
    data = folder / "data"
    setup = [initdb, "-D", str(data), "-U", "postgres", "-A", "trust", "--no-sync"]
    subprocess.run(setup, check=True, capture_output=True, user=user, cwd=folder)
    options = ["-k", str(folder), "-c", "listen_addresses=", "-c", "fsync=off"]
    server = subprocess.Popen(
        [postgres, "-D", str(data), *options], user=user, cwd=folder, stderr=subprocess.DEVNULL
    )
    try:
        wait_for(folder)
        yield f"postgresql://postgres@/postgres?host={folder}"
    finally:
        server.send_signal(signal.SIGINT)  # at once, whoever is connected
        server.wait(20)
        shutil.rmtree(folder)


def wait_for(folder: Path) -> None:
    import psycopg

    from tests.program import wait_until

    def answers() -> bool:
        with contextlib.suppress(psycopg.OperationalError):
            psycopg.connect(host=str(folder), user="postgres", dbname="postgres").close()
            return True
        return False

    wait_until(answers, 30)


@pytest.fixture
def postgres(postgres_server: str) -> str:
    """A database of its own for one test."""
    import psycopg

    name = f"test_{uuid.uuid4().hex[:10]}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")  # type: ignore[call-overload]
    return postgres_server.replace("/postgres?", f"/{name}?")


@pytest.fixture(params=["journal", "sqlite", "postgres"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a study can be kept."""
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres"))
    return str(tmp_path / "journal.log") if request.param == "journal" else f"sqlite:///{tmp_path}/study.db"
