#!/usr/bin/python3
"""Prints the port of the primary of a replica set on this machine: primary.py PORT [PORT ...]

Succeeds only if every member is primary or secondary, so that the set tolerates the loss of any one member. Needs no
password, and only Debian's python3-pymongo, so it is run by the system's own Python.
"""

import sys

from pymongo import MongoClient
from pymongo.errors import PyMongoError


def hello(port):
    """Returns the member's answer to `hello`, or an empty dict if it does not answer."""
    client = MongoClient("127.0.0.1", port, directConnection=True, serverSelectionTimeoutMS=1000)
    try:
        return client.admin.command("hello")
    except PyMongoError:
        return {}
    finally:
        client.close()


def main(ports):
    """Queries all members; returns the exit code."""
    answers = {port: hello(port) for port in ports}
    primaries = [port for port, answer in answers.items() if answer.get("isWritablePrimary")]
    secondaries = [port for port, answer in answers.items() if answer.get("secondary")]
    if len(primaries) != 1 or len(secondaries) != len(ports) - 1:
        print(f"of {ports}: primary {primaries}, secondary {secondaries}", file=sys.stderr)
        return 1
    print(primaries[0])
    return 0


if __name__ == "__main__":
    sys.exit(main([int(port) for port in sys.argv[1:]]))
