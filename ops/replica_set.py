#!/usr/bin/python3
"""Makes one replica set of the mongods at the given addresses and waits until it takes writes.

Run again on a set that exists, it only waits. With MONGODB_ADMIN_PASSWORD, MONGODB_PASSWORD and
MONGODB_MONITOR_PASSWORD in the environment it also sees to three users: `admin`, who may do everything, `jornada`, who
may read and write the database `jornada`, and `monitor`, who sees how the members are. The first is made through
MongoDB's localhost exception, so this must run on the machine of the members.

Debian's python3-pymongo is all that it needs, so it is run by the system's own Python.
Usage: replica_set.py HOST:PORT [HOST:PORT ...]
"""

import os
import sys
import time

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

SECONDS_TO_WAIT = 60
UNAUTHORIZED = 13
AUTHENTICATION_FAILED = 18
ALREADY_INITIALIZED = 23


def connect(address, user=None, password=None):
    """Returns a client of this one member, whatever its state."""
    return MongoClient(
        f"mongodb://{address}/?directConnection=true",
        username=user,
        password=password,
        serverSelectionTimeoutMS=1000,
    )


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
        # A set with users does not say more to a stranger.
        if error.code not in (ALREADY_INITIALIZED, UNAUTHORIZED):
            raise


def find_primary(members):
    """Returns the member that takes writes, or None; a member that is away is passed over."""
    for member in members:
        try:
            if connect(member).admin.command("isMaster")["ismaster"]:
                return member
        except PyMongoError:
            continue
    return None


def may_enter(primary, user, password):
    """Tells whether this user exists with this password."""
    try:
        connect(primary, user, password).admin.command("ping")
    except OperationFailure as error:
        if error.code != AUTHENTICATION_FAILED:
            raise
        return False
    return True


def see_to_user(primary, admin_password, name, password, *roles):
    """Makes a user, and gives one that has another password this one."""
    if may_enter(primary, name, password):
        return
    admin = connect(primary, "admin", admin_password).admin
    known = admin.command("usersInfo", name)["users"]
    admin.command("updateUser" if known else "createUser", name, pwd=password, roles=list(roles))


def see_to_users(primary, admin_password, password, monitor_password):
    """Makes the three users where they are missing."""
    if not may_enter(primary, "admin", admin_password):
        connect(primary).admin.command("createUser", "admin", pwd=admin_password, roles=["root"])
    see_to_user(primary, admin_password, "jornada", password, {"role": "readWrite", "db": "jornada"})
    seer = {"role": "clusterMonitor", "db": "admin"}, {"role": "read", "db": "local"}
    see_to_user(primary, admin_password, "monitor", monitor_password, *seer)


def main(members):
    """Tries again until the set is writable or the time is over; returns the exit code."""
    users = "MONGODB_ADMIN_PASSWORD", "MONGODB_PASSWORD", "MONGODB_MONITOR_PASSWORD"
    passwords = [os.environ.get(name) for name in users]
    deadline = time.monotonic() + SECONDS_TO_WAIT
    error = None
    while time.monotonic() < deadline:
        try:
            initiate(members)
            primary = find_primary(members)
            if primary is not None:
                if all(passwords):
                    see_to_users(primary, *passwords)
                return 0
        except PyMongoError as reason:
            error = reason
        time.sleep(0.1)
    print(f"replica set of {members} is not writable after {SECONDS_TO_WAIT} s: {error}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
