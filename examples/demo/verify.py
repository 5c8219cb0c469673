"""Reads what the C example stored and checks every value and owner.

python verify.py COUNT OWNERS SERVER...
"""

import sys
from pathlib import Path

from consistent_memcached import Client

BATCH = 1000

count, owners_file, *servers = sys.argv[1:]
owners = [int(line) for line in Path(owners_file).read_text().splitlines()]
right = agreed = 0
with Client(servers) as client:
    for first in range(0, int(count), BATCH):
        numbers = range(first, min(first + BATCH, int(count)))
        keys = {number: f"user:{number:06}" for number in numbers}
        values = client.get_multi(keys.values())
        for number, key in keys.items():
            right += values.get(key) == f"profile of {key}".encode()
            agreed += client.select_server(key) == owners[number]

print(f"Python: {right} values right, {agreed} owners agreed")
sys.exit(right != int(count) or agreed != int(count))
