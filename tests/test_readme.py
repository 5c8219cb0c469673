"""The programs in the README are what a new user copies: they run as they stand there."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from test_examples import PROJECT, run

sys.path.insert(0, str(PROJECT / "examples/demo"))

from servers import Memcached

ADDRESSES = ("127.0.0.1:11211", "127.0.0.1:11212")
BLOCKS = dict(re.findall(r"```(\w+)\n(.*?)```", (PROJECT / "README.md").read_text(), re.DOTALL))


def command(language: str, program: Path) -> list[str | Path]:
    """Return what runs a program; C is compiled first."""
    if language == "c":
        binary = program.with_suffix("")
        library = PROJECT / "target/release"
        where = [f"-I{PROJECT / 'include'}", f"-L{library}", f"-Wl,-rpath,{library}"]
        flags = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
        built = run("cc", *flags, program, "-o", binary, *where, "-lconsistent_memcached")
        assert built.returncode == 0, built.stdout
        return [binary]
    if language == "go":
        return ["go", "run", "-C", PROJECT / "bindings/go", program]
    return [{"python": sys.executable, "ruby": "ruby"}[language], program]


@pytest.mark.parametrize(
    ("language", "ending"), [("c", "c"), ("python", "py"), ("ruby", "rb"), ("go", "go")]
)
def test_quickstart_of_the_readme(language: str, ending: str, tmp_path: Path) -> None:
    with Memcached() as first, Memcached() as second:
        text = BLOCKS[language]
        for written, real in zip(ADDRESSES, (first, second), strict=True):
            assert written in text
            text = text.replace(written, real.address)
        program = tmp_path / f"hello.{ending}"
        program.write_text(text)
        done = run(*command(language, program))
        assert done.returncode == 0, done.stdout
        assert done.stdout.startswith("hello")
        assert first.items() + second.items() >= 1
