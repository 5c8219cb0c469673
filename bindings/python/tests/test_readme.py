"""What the README shows is what happens."""

from __future__ import annotations

import re

from support import PROJECT

from consistent_memcached import Client

README = (PROJECT / "bindings/python/README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_values_made_once(client: Client) -> None:
    (block,) = (block for block in BLOCKS if "get_or_set" in block)
    rendered = []

    def render(name: str) -> str:
        rendered.append(name)
        return f"<h1>{name}</h1>"

    exec(block, {"cache": client, "render": render})
    assert rendered == ["front page"]
    assert client.get("front") == "<h1>front page</h1>"
    (shown,) = re.findall(r"get_or_set\(.*\)  # '(.*)'", block)
    assert client.get("front") == shown
    exec(block, {"cache": client, "render": render})
    assert rendered == ["front page"] * 2
