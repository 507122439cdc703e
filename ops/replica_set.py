#!/usr/bin/python3
"""Creates one replica set of the mongods at the given addresses and waits until it accepts writes.

If the set exists, it only waits, and corrects its settings. With MONGODB_ADMIN_PASSWORD, MONGODB_PASSWORD and MONGODB_MONITOR_PASSWORD in the
environment it also creates three users: `admin` with all permissions, `jornada`, which may read and write the database
`jornada`, and `monitor`, which may read the status of the members. The first is created through MongoDB's localhost
exception, so this must run on the machine of the members.

Needs only Debian's python3-pymongo, so it is run by the system's own Python.
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
# With the defaults, writes would wait for 10 s after the primary was killed or froze, and then for answers of the old primary. What
# only it has was not acknowledged.
SETTINGS = {"heartbeatIntervalMillis": 300, "electionTimeoutMillis": 1500, "catchUpTimeoutMillis": 100}


def connect(address, user=None, password=None):
    """Returns a client of this one member, in any state."""
    return MongoClient(
        f"mongodb://{address}/?directConnection=true",
        username=user,
        password=password,
        serverSelectionTimeoutMS=1000,
    )


def initiate(members):
    """Initiates the set through its first member, unless it is already initiated."""
    config = {
        "_id": "rs0",
        "members": [{"_id": number, "host": host} for number, host in enumerate(members)],
        "settings": SETTINGS,
    }
    try:
        connect(members[0]).admin.command("replSetInitiate", config)
    except OperationFailure as error:
        # A set with users answers UNAUTHORIZED to a client without login.
        if error.code not in (ALREADY_INITIALIZED, UNAUTHORIZED):
            raise


def find_primary(members):
    """Returns the member that accepts writes, or None. Skips members that do not answer."""
    for member in members:
        try:
            if connect(member).admin.command("isMaster")["ismaster"]:
                return member
        except PyMongoError:
            continue
    return None


def ensure_settings(primary, admin_password):
    """Gives a set of an earlier version the settings of this one."""
    login = ("admin", admin_password) if admin_password else ()
    admin = connect(primary, *login).admin
    config = admin.command("replSetGetConfig")["config"]
    if any(config["settings"].get(name) != value for name, value in SETTINGS.items()):
        config["settings"].update(SETTINGS)
        config["version"] += 1
        admin.command("replSetReconfig", config)


def can_log_in(primary, user, password):
    """Returns whether this user exists with this password."""
    try:
        connect(primary, user, password).admin.command("ping")
    except OperationFailure as error:
        if error.code != AUTHENTICATION_FAILED:
            raise
        return False
    return True


def ensure_user(primary, admin_password, name, password, *roles):
    """Creates a user, or sets the password and roles of an existing one."""
    if can_log_in(primary, name, password):
        return
    admin = connect(primary, "admin", admin_password).admin
    known = admin.command("usersInfo", name)["users"]
    admin.command("updateUser" if known else "createUser", name, pwd=password, roles=list(roles))


def ensure_users(primary, admin_password, password, monitor_password):
    """Creates the three users if they are missing."""
    if not can_log_in(primary, "admin", admin_password):
        connect(primary).admin.command("createUser", "admin", pwd=admin_password, roles=["root"])
    ensure_user(primary, admin_password, "jornada", password, {"role": "readWrite", "db": "jornada"})
    monitor_roles = {"role": "clusterMonitor", "db": "admin"}, {"role": "read", "db": "local"}
    ensure_user(primary, admin_password, "monitor", monitor_password, *monitor_roles)


def main(members):
    """Retries until the set is writable or the time limit is reached; returns the exit code."""
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
                    ensure_users(primary, *passwords)
                ensure_settings(primary, passwords[0])
                return 0
        except PyMongoError as reason:
            error = reason
        time.sleep(0.1)
    print(f"replica set of {members} is not writable after {SECONDS_TO_WAIT} s: {error}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
