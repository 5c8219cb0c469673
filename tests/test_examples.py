"""The examples, the demo and the installed library work as a user would use them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
EXAMPLES = PROJECT / "examples"
sys.path.insert(0, str(EXAMPLES / "demo"))

from servers import Memcached  # noqa: E402

PATIENCE = 120  # seconds; only guards against hanging
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": str(PROJECT / "bindings/python/src"),
    "RUBYLIB": str(PROJECT / "bindings/ruby/lib"),
}
QUICKSTARTS: dict[str, list[str | Path]] = {
    "C": [PROJECT / "target/examples/quickstart"],
    "Python": [sys.executable, EXAMPLES / "quickstart.py"],
    "Ruby": ["ruby", EXAMPLES / "quickstart.rb"],
    "Go": ["go", "run", "-C", PROJECT / "bindings/go", EXAMPLES / "quickstart.go"],
}
DEMO: list[str | Path] = [sys.executable, EXAMPLES / "demo/demo.py"]


def run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program; its output goes into the result."""
    return subprocess.run(
        command,
        env={**ENVIRONMENT, **environment},
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
    )


def living(group: int) -> list[str]:
    """Return the processes of a group, without the dead ones that init has yet to notice."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            name, fields = stat.read_text().rsplit(")", 1)
            state, _, its_group = fields.split()[:3]
            if int(its_group) == group and state != "Z":
                found.append(name)
    return found


@pytest.fixture
def server() -> Iterator[Memcached]:
    with Memcached() as server:
        yield server


@pytest.mark.parametrize("language", QUICKSTARTS)
def test_quickstart(language: str, server: Memcached) -> None:
    done = run(*QUICKSTARTS[language], server.address)
    assert done.returncode == 0, done.stdout
    assert "greeting: hello\n" in done.stdout
    assert "after one more apple: 4\n" in done.stdout
    assert server.items() == 3


@pytest.mark.parametrize("language", QUICKSTARTS)
def test_quickstart_tells_of_a_server_that_is_away(language: str, server: Memcached) -> None:
    server.kill()
    done = run(*QUICKSTARTS[language], server.address)
    assert done.returncode == 1
    assert server.address in done.stdout
    assert "greeting" not in done.stdout


def test_demo() -> None:
    done = run(*DEMO)
    assert done.returncode == 0, done.stdout
    for language in ("Python", "Ruby", "Go"):
        assert f"{language}: 20000 values right, 20000 owners agreed\n" in done.stdout
    for line in ("fullest over fair", "by modulus hashing", "is killed", "ServerDownError"):
        assert line in done.stdout
    assert done.stdout.count(" with handover_ms: 0 misses\n") == 3
    assert " without: 0 misses" not in done.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_demo_that_is_interrupted_leaves_no_process(number: signal.Signals) -> None:
    demo = subprocess.Popen(
        DEMO,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert demo.stdout is not None
    assert "four memcached servers" in demo.stdout.readline()
    demo.send_signal(number)
    assert demo.wait(PATIENCE) != 0
    demo.stdout.close()
    end = time.monotonic() + PATIENCE  # what it killed may still be dying
    while living(demo.pid) and time.monotonic() < end:
        time.sleep(0.01)
    assert living(demo.pid) == []


def test_installed(tmp_path: Path, server: Memcached) -> None:
    """A program finds header and library by pkg-config alone; shared and static."""
    staged, prefix = tmp_path / "stage", "/opt/cm"
    done = run("make", "install", f"DESTDIR={staged}", f"PREFIX={prefix}")
    assert done.returncode == 0, done.stdout
    lib = staged / prefix[1:] / "lib"
    found = {"PKG_CONFIG_PATH": str(lib / "pkgconfig"), "PKG_CONFIG_SYSROOT_DIR": str(staged)}

    def flags(*arguments: str) -> list[str]:
        return run("pkg-config", *arguments, "consistent_memcached", **found).stdout.split()

    source = str(EXAMPLES / "quickstart.c")
    shared, static = str(tmp_path / "shared"), str(tmp_path / "static")
    done = run("cc", source, "-o", shared, *flags("--cflags", "--libs"))
    assert done.returncode == 0, done.stdout
    (lib / "libconsistent_memcached.so").unlink()  # only the linker needs this one
    assert run(shared, server.address, LD_LIBRARY_PATH=str(lib)).returncode == 0
    done = run("cc", source, "-o", static, *flags("--cflags", "--libs", "--static"))
    assert done.returncode == 0, done.stdout
    assert run(static, server.address).returncode == 0
    assert "libconsistent_memcached" not in run("ldd", static).stdout
    version = run("pkg-config", "--modversion", "consistent_memcached", **found).stdout.strip()
    assert (lib / f"libconsistent_memcached.so.{version}").is_file()
