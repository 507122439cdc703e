#!/usr/bin/python3
"""Shows Prometheus how MongoDB's members are: mongodb_exporter.py FILE PORT

The names and labels are those of Percona's mongodb_exporter, which docker-compose.yml has, so that dashboards and
alerts are the same everywhere; Debian's own exporter is of 2018 and speaks a protocol that MongoDB 6 no longer takes.
Each line of FILE names a member and tells its URI: `mongod1 mongodb://monitor:…@127.0.0.1:4201/?…`. Prometheus asks for
/metrics?target=mongod1, one target a member. Debian's python3-pymongo is all that it needs.
"""

import http.server
import sys
import urllib.parse

from pymongo import MongoClient
from pymongo.errors import PyMongoError

MILLISECONDS_TO_WAIT = 2000


def connect(uri):
    """Returns a client that gives up soon; it connects when it is first asked."""
    wait = MILLISECONDS_TO_WAIT
    return MongoClient(uri, serverSelectionTimeoutMS=wait, connectTimeoutMS=wait, socketTimeoutMS=wait, maxPoolSize=2)


def of_server(status):
    """Yields name, labels and value of what `serverStatus` tells."""
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


def of_set(status):
    """Yields name, labels and value of what `replSetGetStatus` tells."""
    yield "mongodb_rs_myState", {}, status["myState"]
    for member in status["members"]:
        labels = {"member_idx": member["name"], "member_state": member["stateStr"]}
        yield "mongodb_rs_members_health", labels, int(member["health"])
        yield "mongodb_rs_members_optimeDate", labels, int(member["optimeDate"].timestamp() * 1000)


def samples(client):
    """Yields all samples of one member; of one that does not answer only that."""
    try:
        # Both first: half an answer would look like a member that forgot something.
        server = client.admin.command("serverStatus")
        replica_set = client.admin.command("replSetGetStatus")
    except PyMongoError:
        yield "mongodb_up", {}, 0
        return
    yield "mongodb_up", {}, 1
    yield from of_server(server)
    yield from of_set(replica_set)


def line(name, labels, value):
    """Writes one sample in the exposition format; no label here holds what would need an escape."""
    text = ",".join(f'{key}="{label}"' for key, label in labels.items())
    return f"{name}{{{text}}} {value}\n"


class Page(http.server.BaseHTTPRequestHandler):
    """Answers /metrics?target=MEMBER."""

    clients = {}
    timeout = 5

    def do_GET(self):
        """Asks the member and tells."""
        asked = urllib.parse.urlsplit(self.path)
        member = urllib.parse.parse_qs(asked.query).get("target", [""])[0]
        if asked.path != "/metrics" or member not in self.clients:
            self.send_error(404)
            return
        body = "".join(line(*sample) for sample in samples(self.clients[member])).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Says nothing: Prometheus asks every few seconds."""


def main(file, port):
    """Serves on loopback until it is ended."""
    with open(file, encoding="utf-8") as lines:
        Page.clients = {name: connect(uri) for name, uri in (line.split() for line in lines)}
    http.server.ThreadingHTTPServer(("127.0.0.1", port), Page).serve_forever()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
