#!/usr/bin/python3
"""Prints the port of the primary of a replica set on this machine: primary.py PORT [PORT ...]

Succeeds only when every member is primary or secondary, so that the loss of any one of them can be borne. What it asks
needs no password. Debian's python3-pymongo is all that it needs, so it is run by the system's own Python.
"""

import sys

from pymongo import MongoClient
from pymongo.errors import PyMongoError


def hello(port):
    """Returns what the member at this port says of itself, nothing when it says nothing."""
    client = MongoClient("127.0.0.1", port, directConnection=True, serverSelectionTimeoutMS=1000)
    try:
        return client.admin.command("hello")
    except PyMongoError:
        return {}
    finally:
        client.close()


def main(ports):
    """Asks all members; returns the exit code."""
    said = {port: hello(port) for port in ports}
    primaries = [port for port, words in said.items() if words.get("isWritablePrimary")]
    secondaries = [port for port, words in said.items() if words.get("secondary")]
    if len(primaries) != 1 or len(secondaries) != len(ports) - 1:
        print(f"of {ports}: primary {primaries}, secondary {secondaries}", file=sys.stderr)
        return 1
    print(primaries[0])
    return 0


if __name__ == "__main__":
    sys.exit(main([int(port) for port in sys.argv[1:]]))
