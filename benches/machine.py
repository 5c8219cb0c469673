"""Where and with what a run was made."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
from datetime import datetime, timezone
from pathlib import Path

from contender import PROJECT, VENV_PYTHON

PYTHON_PEERS = ("pylibmc", "python-memcached", "pymemcache", "meta-memcache")


def output(*command: str) -> str:
    """Return what a command prints; nothing if it cannot be run."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def found(pattern: str, text: str) -> str:
    """Return the first group of a pattern, or that it is not there."""
    match = re.search(pattern, text, re.MULTILINE)
    return match[1] if match else "not there"


def python_packages() -> dict[str, str]:
    """Return the versions of the Python peers."""
    listed = output(str(VENV_PYTHON), "-m", "pip", "list", "--format=json") or "[]"
    versions = {package["name"]: package["version"] for package in json.loads(listed)}
    return {name: versions.get(name, "not there") for name in PYTHON_PEERS}


def describe() -> dict[str, str]:
    """Return date, machine and versions."""
    crate = r'name = "memcache"\nversion = "([^"]+)"'
    ours = found(r'^version = "([^"]+)"', Path(PROJECT, "Cargo.toml").read_text())
    commit = output("git", "describe", "--always", "--dirty", "--exclude=*")
    cpu = found(r"^model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": f"{cpu}, {os.cpu_count()} cores",
        "kernel": f"{platform.system()} {platform.release()}",
        "load before": f"{os.getloadavg()[0]:.2f}",
        "consistent_memcached": f"{ours} ({commit})" if commit else ours,
        "memcached": found(r"memcached (\S+)", output("memcached", "-V")),
        "libmemcached": output("pkg-config", "--modversion", "libmemcached") or "not there",
        "crate memcache": found(crate, Path(PROJECT, "Cargo.lock").read_text()),
        "rustc": found(r"rustc (\S+)", output("rustc", "--version")),
        "C compiler": output("cc", "--version").split("\n")[0],
        "Python": found(r"Python (\S+)", output(str(VENV_PYTHON), "--version")),
        **python_packages(),
    }
