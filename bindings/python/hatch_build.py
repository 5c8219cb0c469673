"""Builds the C library with cargo and puts it into the wheel."""

from __future__ import annotations

import json
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

CRATE = Path(__file__).resolve().parents[2]
CARGO_BUILD = [
    *("cargo", "build", "--release", "--locked", "--lib"),
    "--message-format=json-render-diagnostics",
]


class CargoBuildHook(BuildHookInterface[Any]):
    """Hatchling calls this before it writes a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the library to the wheel and mark the wheel as made for this platform."""
        if version == "editable":
            return  # the source tree holds no library: CONSISTENT_MEMCACHED_LIBRARY names one
        package = "consistent_memcached/libconsistent_memcached.so"
        build_data["force_include"][build_library()] = package
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["tag"] = f"py3-none-{platform}"
        build_data["pure_python"] = False


def build_library() -> str:
    """Build the crate and return the path of its shared library."""
    if not (CRATE / "Cargo.toml").exists():
        raise FileNotFoundError(f"{CRATE} is not the consistent_memcached source tree")
    build = subprocess.run(CARGO_BUILD, cwd=CRATE, check=True, stdout=subprocess.PIPE, text=True)
    messages = map(json.loads, build.stdout.splitlines())
    artifacts = (m for m in messages if m["reason"] == "compiler-artifact")
    (crate,) = (m for m in artifacts if m["target"]["name"] == "consistent_memcached")
    (library,) = (file for file in crate["filenames"] if file.endswith(".so"))
    return str(library)
