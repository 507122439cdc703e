#!/usr/bin/python3
"""Exports metrics of the MongoDB members for Prometheus: mongodb_exporter.py FILE PORT

Names and labels are those of Percona's mongodb_exporter, which docker-compose.yml uses, so dashboards and alerts are the
same everywhere. Debian's own exporter dates from 2018 and uses a protocol that MongoDB 6 no longer supports.
Each line of FILE contains the name and the URI of a member: `mongod1 mongodb://monitor:…@127.0.0.1:4201/?…`. Prometheus
requests /metrics?target=mongod1, one target a member. Needs only Debian's python3-pymongo.
"""

import http.server
import sys
import urllib.parse

from pymongo import MongoClient
from pymongo.errors import PyMongoError

TIMEOUT_MS = 2000


def connect(uri):
    """Returns a client with short timeouts. It connects at its first command."""
    return MongoClient(
        uri,
        serverSelectionTimeoutMS=TIMEOUT_MS,
        connectTimeoutMS=TIMEOUT_MS,
        socketTimeoutMS=TIMEOUT_MS,
        maxPoolSize=2,
    )


def server_samples(status):
    """Yields name, labels and value of each metric in `serverStatus`."""
    for kind in "current", "available":
        yield "mongodb_ss_connections", {"conn_type": kind}, status["connections"][kind]
    for kind in "insert", "query", "update", "delete", "getmore", "command":
        yield "mongodb_ss_opcounters", {"legacy_op_type": kind}, status["opcounters"][kind]
    for kind in "reads", "writes", "commands":
        yield "mongodb_ss_opLatencies_latency", {"op_type": kind}, status["opLatencies"][kind]["latency"]
        yield "mongodb_ss_opLatencies_ops", {"op_type": kind}, status["opLatencies"][kind]["ops"]
    yield "mongodb_ss_mem_resident", {}, status["mem"]["resident"]
    cache = status["wiredTiger"]["cache"]
    yield "mongodb_ss_wt_cache_bytes_currently_in_the_cache", {}, cache["bytes currently in the cache"]
    yield "mongodb_ss_wt_cache_maximum_bytes_configured", {}, cache["maximum bytes configured"]


def replica_set_samples(status):
    """Yields name, labels and value of each metric in `replSetGetStatus`."""
    yield "mongodb_rs_myState", {}, status["myState"]
    for member in status["members"]:
        labels = {"member_idx": member["name"], "member_state": member["stateStr"]}
        yield "mongodb_rs_members_health", labels, int(member["health"])
        yield "mongodb_rs_members_optimeDate", labels, int(member["optimeDate"].timestamp() * 1000)


def samples(client):
    """Yields all samples of one member; if it does not answer, only `mongodb_up` with 0."""
    try:
        # Run both commands before yielding, so that a failure of the second leaves no partial answer.
        server = client.admin.command("serverStatus")
        replica_set = client.admin.command("replSetGetStatus")
    except PyMongoError:
        yield "mongodb_up", {}, 0
        return
    yield "mongodb_up", {}, 1
    yield from server_samples(server)
    yield from replica_set_samples(replica_set)


def line(name, labels, value):
    """Formats one sample in the exposition format. No label value here needs escaping."""
    text = ",".join(f'{key}="{label}"' for key, label in labels.items())
    return f"{name}{{{text}}} {value}\n"


class Page(http.server.BaseHTTPRequestHandler):
    """Answers /metrics?target=MEMBER."""

    clients = {}
    timeout = 5

    def do_GET(self):
        """Answers with the samples of the member."""
        url = urllib.parse.urlsplit(self.path)
        member = urllib.parse.parse_qs(url.query).get("target", [""])[0]
        if url.path != "/metrics" or member not in self.clients:
            self.send_error(404)
            return
        body = "".join(line(*sample) for sample in samples(self.clients[member])).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Logs nothing: Prometheus scrapes every few seconds."""


def main(file, port):
    """Serves on loopback until the process is terminated."""
    with open(file, encoding="utf-8") as lines:
        Page.clients = {name: connect(uri) for name, uri in (line.split() for line in lines)}
    http.server.ThreadingHTTPServer(("127.0.0.1", port), Page).serve_forever()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
