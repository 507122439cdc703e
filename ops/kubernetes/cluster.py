"""An API of a cluster in memory, for the real kubectl."""

import contextlib
import http.server
import json
import os
import pathlib
import stat
import subprocess
import tempfile
import threading
import urllib.parse

from objects import matches

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Seconds; rollout.sh waits up to 900 for each step.
TIMEOUT = 300
KUBECTL = """#!/bin/sh
[ "$1" = apply ] || [ "$1" = create ] && set -- "$@" --validate=false
[ "$1" = kustomize ] && exec {kubectl} "$@"
exec {kubectl} --server=http://127.0.0.1:{port} --cache-dir={folder}/cache "$@"
"""


def plural(kind):
    """Returns the name of a kind in paths."""
    return kind.lower() + ("ies" if kind.endswith("y") else "s")


class Cluster(http.server.ThreadingHTTPServer):
    """Stores objects as an API server does, and plays the controllers: what is applied is ready at once."""

    def __init__(self, items, job="Complete", broken=None):
        super().__init__(("127.0.0.1", 0), Request)
        self.kinds = {(item["apiVersion"], item["kind"]) for item in items}
        self.stored, self.order = {}, []
        # The condition that Jobs reach, and a kind that cannot be listed.
        self.job, self.broken = job, broken

    def store(self, path, item):
        """Inserts or replaces an object."""
        spec, name = item.setdefault("spec", {}), f"{item['kind']} {item['metadata']['name']}"
        item["metadata"]["generation"] = 1
        count = spec.setdefault("replicas", 1) if item["kind"] in ("Deployment", "StatefulSet") else 1
        spec |= {"updateStrategy": {"type": "RollingUpdate"}} if item["kind"] == "StatefulSet" else {}
        condition = {"Job": self.job, "Kafka": "Ready"}.get(item["kind"], "Available")
        item["status"] = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), count) | {
            "observedGeneration": 1, "conditions": [{"type": condition, "status": "True"}], "currentRevision": "a", "updateRevision": "a"}
        if name not in self.order:
            self.order.append(name)
        self.stored[path] = item
        return item

    def answer(self, path, query):
        """Returns status and body of a GET."""
        groups = {version for version, _ in self.kinds}
        if path == "/api":
            return 200, {"kind": "APIVersions", "versions": ["v1"]}
        if path == "/apis":
            versions = [{"groupVersion": group, "version": group.partition("/")[2]} for group in groups - {"v1"}]
            return 200, {"kind": "APIGroupList", "groups": [
                {"name": one["groupVersion"].partition("/")[0], "versions": [one], "preferredVersion": one} for one in versions]}
        group = path.removeprefix("/apis/").removeprefix("/api/")
        if group in groups:
            return 200, {"kind": "APIResourceList", "groupVersion": group, "resources": [
                {"name": plural(kind), "kind": kind, "namespaced": kind != "Namespace", "verbs": ["get", "list", "create", "patch"]}
                for version, kind in self.kinds if version == group]}
        if path in self.stored:
            return 200, self.stored[path]
        listed = {plural(kind): (version, kind) for version, kind in self.kinds}.get(path.rpartition("/")[2])
        if listed is None or listed[1] == self.broken:
            code = 500 if listed else 404
            return code, {"kind": "Status", "status": "Failure", "reason": "NotFound", "code": code}
        items = [item for place, item in self.stored.items() if place.rpartition("/")[0] == path and selected(item, query)]
        return 200, {"kind": f"{listed[1]}List", "apiVersion": listed[0], "metadata": {"resourceVersion": "1"}, "items": items}


def selected(item, query):
    """Returns whether an object fits `fieldSelector` (a name) and `labelSelector`, as rollout.sh uses them."""
    name = query.get("fieldSelector", [""])[0].removeprefix("metadata.name=")
    label, _, values = query.get("labelSelector", [""])[0].partition(" in ")
    selector = {"matchExpressions": [{"key": label, "operator": "In" if values else "Exists",
                                      "values": [value.strip() for value in values.strip("()").split(",")]}]} if label else {}
    return name in ("", item["metadata"]["name"]) and matches(selector, item["metadata"].get("labels", {}))


class Request(http.server.BaseHTTPRequestHandler):
    """A request of kubectl."""

    def log_message(self, *_):
        """Logs nothing."""

    def reply(self, status, body):
        """Sends an answer."""
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        """Reads; there are no changes to watch."""
        path, _, query = self.path.partition("?")
        query = urllib.parse.parse_qs(query)
        self.reply(*((400, {}) if "watch" in query else self.server.answer(path, query)))

    def do_POST(self):
        """Creates an object."""
        item = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        path = self.path.partition("?")[0]
        self.reply(201, self.server.store(f"{path}/{item['metadata']['name']}", item))

    def do_PATCH(self):
        """Leaves the object as it is: nothing changes between the steps."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.reply(200, self.server.stored[self.path.partition("?")[0]])

    def do_DELETE(self):
        """There are no Jobs of an earlier rollout."""
        self.reply(404, {"kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404})


@contextlib.contextmanager
def serving(cluster):
    """Serves the API."""
    threading.Thread(target=cluster.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield
    finally:
        cluster.shutdown()
        cluster.server_close()


def run(cluster, tools, *command):
    """Runs a script with kubectl on a cluster; returns the exit code and the messages. A step that failed must stop it within TIMEOUT."""
    with serving(cluster), tempfile.TemporaryDirectory(prefix="jornada-cluster-") as folder:
        program = pathlib.Path(folder, "kubectl")
        program.write_text(KUBECTL.format(kubectl=pathlib.Path(tools, "kubectl").resolve(), port=cluster.server_port, folder=folder))
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        environment = os.environ | {"PATH": f"{folder}:{os.environ['PATH']}", "HOME": folder}
        done = subprocess.run(["bash", *command], cwd=ROOT, env=environment, check=False, capture_output=True, text=True, timeout=TIMEOUT)
    return done.returncode, done.stdout + done.stderr
