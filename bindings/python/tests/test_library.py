"""Finding the library and checking that it fits."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support import PROJECT

import consistent_memcached
from consistent_memcached import _library

PACKAGE = Path(consistent_memcached.__file__).parent
LIBRARY = _library._LIBRARY._name
VERSION = consistent_memcached.__version__


def _import(folder: Path, library: str | None) -> subprocess.CompletedProcess[str]:
    """Import the package from a folder, with CONSISTENT_MEMCACHED_LIBRARY as given."""
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    environment.pop("CONSISTENT_MEMCACHED_LIBRARY", None)
    if library is not None:
        environment["CONSISTENT_MEMCACHED_LIBRARY"] = library
    script = "from consistent_memcached import _library; print(_library._LIBRARY._name)"
    command = [sys.executable, "-c", script]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the package without a library in it."""
    ignore = shutil.ignore_patterns("*.so", "__pycache__")
    return Path(shutil.copytree(PACKAGE, tmp_path / "consistent_memcached", ignore=ignore))


def test_the_versions_of_package_and_crate_agree() -> None:
    manifest = (PROJECT / "Cargo.toml").read_text()
    match = re.search(r'^version = "(.*)"$', manifest, re.MULTILINE)
    assert match is not None
    assert match[1] == VERSION


def test_the_environment_names_the_library(package: Path) -> None:
    loaded = _import(package.parent, LIBRARY)
    assert loaded.stdout.strip() == LIBRARY, loaded.stderr


def test_else_the_copy_in_the_package(package: Path) -> None:
    shutil.copy(LIBRARY, package / "libconsistent_memcached.so")
    loaded = _import(package.parent, None)
    assert loaded.stdout.strip() == str(package / "libconsistent_memcached.so"), loaded.stderr


def test_the_environment_comes_first(package: Path) -> None:
    (package / "libconsistent_memcached.so").write_bytes(b"no library")
    loaded = _import(package.parent, LIBRARY)
    assert loaded.stdout.strip() == LIBRARY, loaded.stderr


def test_else_the_library_of_the_system(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(LIBRARY, tmp_path / "libconsistent_memcached.so.0")
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path))
    loaded = _import(package.parent, None)
    assert loaded.stdout.strip() == "libconsistent_memcached.so.0", loaded.stderr


def test_no_library_anywhere(package: Path) -> None:
    loaded = _import(package.parent, None)
    assert "ImportError" in loaded.stderr
    assert "libconsistent_memcached.so.0" in loaded.stderr


@pytest.mark.parametrize("library", ["/no/such/library.so", "libc.so.6"])
def test_a_wrong_library_is_not_passed_over(package: Path, library: str) -> None:
    shutil.copy(LIBRARY, package / "libconsistent_memcached.so")
    loaded = _import(package.parent, library)
    assert "ImportError" in loaded.stderr
    assert library in loaded.stderr


def test_a_library_of_another_version_is_refused(package: Path) -> None:
    (package / "_version.py").write_text('__version__ = "99.1.2"\n')
    loaded = _import(package.parent, LIBRARY)
    assert "ImportError" in loaded.stderr
    assert "99.1.2" in loaded.stderr
    assert VERSION in loaded.stderr
