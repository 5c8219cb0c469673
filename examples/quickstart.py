"""The client in one minute: python quickstart.py [SERVER ...]."""

import sys

from consistent_memcached import Client, MemcachedError

servers = sys.argv[1:] or ["127.0.0.1:11211"]

with Client(servers, timeout_ms=500, key_prefix="quickstart:") as cache:
    try:
        cache.set("greeting", "hello", time=60)
        print("greeting:", cache.get("greeting"))
        print("a miss:", cache.get("absent"))

        cache.set_multi({"apples": 3, "pears": 5}, time=60)
        print("after one more apple:", cache.incr("apples"))
        print("fruit:", cache.get_multi(["apples", "pears", "plums"]))
        print("pears are on", servers[cache.select_server("pears")])
    except MemcachedError as error:
        sys.exit(f"memcached failed: {error}")
