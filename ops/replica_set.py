#!/usr/bin/python3
"""Makes one replica set of the mongods at the given addresses and waits until it takes writes.

Run again on a set that exists, it only waits. Debian's python3-pymongo is all that it needs, so it is run by the
system's own Python. Usage: replica_set.py HOST:PORT [HOST:PORT ...]
"""

import sys
import time

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

SECONDS_TO_WAIT = 60
ALREADY_INITIALIZED = 23


def connect(address):
    """Returns a client of this one member, whatever its state."""
    return MongoClient(f"mongodb://{address}/?directConnection=true", serverSelectionTimeoutMS=1000)


def initiate(members):
    """Initiates the set through its first member, unless it was before."""
    config = {
        "_id": "rs0",
        "members": [{"_id": number, "host": host} for number, host in enumerate(members)],
        # The default of 10 s is how long writes would wait when a primary is killed.
        "settings": {"electionTimeoutMillis": 1000},
    }
    try:
        connect(members[0]).admin.command("replSetInitiate", config)
    except OperationFailure as error:
        if error.code != ALREADY_INITIALIZED:
            raise


def is_writable(members):
    """Tells whether one of the members is the primary."""
    return any(connect(member).admin.command("isMaster")["ismaster"] for member in members)


def main(members):
    """Tries again until the set is writable or the time is over; returns the exit code."""
    deadline = time.monotonic() + SECONDS_TO_WAIT
    error = None
    while time.monotonic() < deadline:
        try:
            initiate(members)
            if is_writable(members):
                return 0
        except PyMongoError as reason:
            error = reason
        time.sleep(0.1)
    print(f"replica set of {members} is not writable after {SECONDS_TO_WAIT} s: {error}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
