"""The package, installed where nothing else is."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from support import PROJECT, Memcached


def _run(*command: str | Path) -> str:
    environment = dict(os.environ)
    for name in ("CONSISTENT_MEMCACHED_LIBRARY", "LD_LIBRARY_PATH", "PYTHONPATH"):
        environment.pop(name, None)
    return subprocess.run(
        command, env=environment, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


@pytest.mark.slow
def test_the_quickstart_runs_from_an_empty_environment(
    tmp_path: Path, servers: list[Memcached]
) -> None:
    venv.create(tmp_path, with_pip=True)
    python = tmp_path / "bin" / "python"
    _run(python, "-m", "pip", "install", "--no-deps", PROJECT / "bindings" / "python")

    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    installed = tmp_path / "lib" / version / "site-packages"
    assert (installed / "consistent_memcached" / "libconsistent_memcached.so").exists()
    assert (installed / "consistent_memcached" / "py.typed").exists()
    wheel = next(installed.glob("consistent_memcached-*.dist-info/WHEEL")).read_text()
    assert f"Tag: py3-none-linux_{os.uname().machine}" in wheel
    assert "Root-Is-Purelib: false" in wheel

    quickstart = PROJECT / "examples" / "quickstart.py"
    output = _run(python, quickstart, *(server.address for server in servers))
    assert "greeting: hello" in output
    assert "fruit: {'apples': 4, 'pears': 5}" in output
