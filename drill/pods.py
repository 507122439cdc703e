#!/usr/bin/python3
"""Replaces the pods of the overlay `local`, natively, one after the other under load: pods.py PROGRAM TOOLS FOLDER.

Arguments, settings, probes and times are those of the manifests; the stores are those of the tests (JORNADA_TEST_…). A forwarder stands for the
Service: it gives each connection to one of the pods that are ready, and learns a second late that one ends. Every vote, by HTTP and by
gRPC, must be acknowledged at its first attempt and stored once. See drill/pods.sh.
"""

import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

import grpc
import pymongo

from pods_load import Forwarder, Load

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "ops/kubernetes"))
from objects import Objects, render  # noqa: E402
from policy import amount  # noqa: E402

LISTENERS = {"http": "JORNADA_LISTEN", "grpc": "JORNADA_GRPC_LISTEN", "ops": "JORNADA_OPS_LISTEN"}
# Seconds until the forwarder, as kube-proxy or a gateway, knows that a pod ends.
LATE = 1
# Seconds of load before and after.
AROUND = 3
SERVING = b"\x08\x01"


class Pod:
    """A pod of a workload, as a process."""

    def __init__(self, workload, drill):
        self.spec = workload["spec"]["template"]["spec"]
        self.container = self.spec["containers"][0]
        self.name = f"{workload['metadata']['name']}-{random.randrange(16**5):05x}"
        names = [port["name"] for port in self.container["ports"]]
        self.ports = dict(zip(names, drill.free_ports(len(names))))
        self.user = random.randrange(100_000, 2**31)
        environment = drill.environment(self.container) | {"JORNADA_INSTANCE": self.name}
        environment |= {LISTENERS[name]: f"127.0.0.1:{port}" for name, port in self.ports.items()}
        self.log = drill.folder / f"{self.name}.log"
        self.process = drill.start(self.container, environment, self.user, self.log)

    def port(self, asked):
        """Returns where the port of a probe, a number or a name, is here."""
        names = {port["containerPort"]: port["name"] for port in self.container["ports"]}
        return self.ports[names.get(asked, asked)]

    def asks(self, probe):
        """Returns whether a probe succeeds."""
        try:
            if "grpc" in probe:
                with grpc.insecure_channel(f"127.0.0.1:{self.port(probe['grpc']['port'])}") as channel:
                    call = channel.unary_unary("/grpc.health.v1.Health/Check")
                    return call(b"", timeout=probe["timeoutSeconds"]) == SERVING
            asked = probe["httpGet"]
            url = f"{asked.get('scheme', 'HTTP').lower()}://127.0.0.1:{self.port(asked['port'])}{asked['path']}"
            return urllib.request.urlopen(url, timeout=probe["timeoutSeconds"]).status == 200
        except (OSError, urllib.error.HTTPError, grpc.RpcError):
            return False

    def wait(self):
        """Waits until the pod is ready, as the kubelet does."""
        for kind in ("startupProbe", "readinessProbe"):
            probe = self.container[kind]
            # A pod that is not ready is waited for.
            limit = probe["periodSeconds"] * probe["failureThreshold"] if kind == "startupProbe" else 120
            deadline = time.monotonic() + min(120, limit)
            while not self.asks(probe):
                expect(self.process.poll() is None, f"{self.name} ended: see {self.log}")
                expect(time.monotonic() < deadline, f"{self.name}: {kind} fails: see {self.log}")
                time.sleep(0.2)
        expect(self.asks(self.container["livenessProbe"]), f"{self.name}: livenessProbe fails")

    def is_restricted(self):
        """Checks user, capabilities and file system of the process, and its memory so far."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        expect(fields["Uid"].split() == [str(self.user)] * 4, f"{self.name} runs as another user")
        expect(all(int(fields[key], 16) == 0 for key in ("CapEff", "CapPrm", "CapBnd")), f"{self.name} has capabilities")
        expect(fields["NoNewPrivs"].strip() == "1", f"{self.name} may gain privileges")
        mounts = pathlib.Path(f"/proc/{self.process.pid}/mountinfo").read_text(encoding="utf-8")
        root = [line.split() for line in mounts.splitlines() if line.split()[4] == "/"]
        expect(root and "ro" in root[-1][5].split(","), f"{self.name} may write to its file system")
        return int(fields["VmHWM"].split()[0]) * 1024

    def end(self):
        """Ends the pod as the kubelet does: the pause of preStop, SIGTERM, SIGKILL after its time. Returns seconds and memory."""
        start = time.monotonic()
        memory = self.is_restricted()
        limit = amount(self.container["resources"]["limits"]["memory"])
        expect(memory < limit, f"{self.name} used {memory} bytes of {limit}")
        time.sleep(self.container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0))
        self.process.send_signal(signal.SIGTERM)
        left = self.spec.get("terminationGracePeriodSeconds", 30) - (time.monotonic() - start)
        try:
            code = self.process.wait(left)
        except subprocess.TimeoutExpired:
            self.process.kill()
            sys.exit(f"FAILED: {self.name} did not end in time")
        expect(code == 0, f"{self.name} ended with {code}: see {self.log}")
        return time.monotonic() - start, memory


def expect(holds, message):
    """Ends the drill if something does not hold."""
    if not holds:
        sys.exit(f"FAILED: {message}")


class Drill:
    """The stores, the image and the manifests."""

    def __init__(self, program, tools, folder):
        self.folder, self.image = pathlib.Path(folder), pathlib.Path(folder) / "image"
        self.objects = Objects(render(f"{tools}/kubectl", ROOT / "k8s/overlays/local"))
        self.processes = []
        name = f"drill_pods_{random.randrange(10**9)}"
        mongodb = os.environ["JORNADA_TEST_MONGODB"].replace("/?", f"/{name}?")
        self.database = pymongo.MongoClient(mongodb).get_default_database()
        # In place of the Secrets, and of the addresses of the cluster.
        self.settings = {
            "JORNADA_STORE": mongodb,
            "JORNADA_CACHE": os.environ["JORNADA_TEST_REDIS"],
            "JORNADA_QUEUE": f"kafka://{os.environ['JORNADA_TEST_KAFKA']}/{name}?group={name}",
            "JORNADA_SECRET": os.urandom(32).hex(),
            "JORNADA_PHOTO_KEY": os.urandom(32).hex(),
            "JORNADA_PHOTOS": f"s3://{name.replace('_', '-')}?endpoint={os.environ['JORNADA_TEST_S3']}&region=us-east-1",
            "AWS_ACCESS_KEY_ID": os.environ["JORNADA_TEST_S3_ACCESS_KEY"],
            "AWS_SECRET_ACCESS_KEY": os.environ["JORNADA_TEST_S3_SECRET_KEY"],
            "JORNADA_PUBLIC_URL": "http://localhost:8080",
        }
        self.make_image(program)

    def make_image(self, program):
        """Makes the image as the Dockerfile does: the program and the libraries that it links."""
        for name in ("tmp", "proc", "etc/ssl/certs"):
            (self.image / name).mkdir(parents=True)
        subprocess.run(["cp", "-r", ROOT / "campaigns", self.image], check=True)
        linked = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
        files = [word for word in linked.split() if word.startswith("/")]
        subprocess.run(["cp", "--parents", "--dereference", *files, self.image], check=True)
        subprocess.run(["install", program, self.image / "jornada"], check=True)

    def free_ports(self, number):
        """Returns free ports."""
        command = ["/usr/bin/python3", ROOT / "ops/free_ports.py", str(number)]
        return [int(port) for port in subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()]

    def environment(self, container):
        """Returns the variables that a container has in the cluster, with the addresses of the stores here."""
        found = {}
        for source in container.get("envFrom", []):
            found |= self.objects.find("ConfigMap", source["configMapRef"]["name"])["data"]
        for variable in container["env"]:
            if "value" in variable:
                found[variable["name"]] = variable["value"]
            elif "secretKeyRef" in variable["valueFrom"]:
                found[variable["name"]] = self.settings[variable["name"]]
        return found | {name: self.settings[name] for name in ("JORNADA_PHOTOS", "JORNADA_PUBLIC_URL")}

    def start(self, container, environment, user, log):
        """Starts a container as a process of its own."""
        memory = int(amount(container["resources"]["limits"]["memory"]))
        command = ["unshare", "--mount", "--propagation", "private", "/usr/bin/python3", "-B", ROOT / "drill/pod.py",
                   self.image, str(user), str(memory), *container.get("args", [])]
        with open(log, "wb") as output:
            process = subprocess.Popen(command, env=environment | {"PATH": os.environ["PATH"]}, stdout=output, stderr=output)
        self.processes.append(process)
        return process

    def run_job(self, name):
        """Runs the containers of a Job to their end."""
        for container in self.objects.find("Job", name)["spec"]["template"]["spec"]["containers"]:
            log = self.folder / f"{name}-{container['name']}.log"
            process = self.start(container, self.environment(container), 123_456, log)
            expect(process.wait(120) == 0, f"the container {container['name']} of {name} failed: {log.read_text()}")

    def replace(self, pods, workload, forwarder):
        """Replaces pods one after the other: a new one is ready before an old one ends. Returns the longest end and memory."""
        ends = []
        for old in list(pods):
            fresh = Pod(workload, self)
            fresh.wait()
            pods.append(fresh)
            forwarder.add(fresh.ports)
            pods.remove(old)
            forwarder.remove_later(old.ports, LATE)
            ends.append(old.end())
        return max(seconds for seconds, _ in ends), max(memory for _, memory in ends)

    def count(self, acknowledged):
        """Waits until all votes are in the database, and returns their number."""
        deadline = time.monotonic() + 60
        while (stored := self.database.votes.count_documents({})) < acknowledged and time.monotonic() < deadline:
            time.sleep(0.5)
        return stored

    def close(self):
        """Ends what is left."""
        for process in self.processes:
            if process.poll() is None:
                process.kill()
        self.database.client.drop_database(self.database.name)


def run(drill):
    """Runs the drill and prints a line of figures."""
    serve, consume = (drill.objects.find("Deployment", name) for name in ("serve", "consume"))
    drill.run_job("prepare")
    pods, consumer = [Pod(serve, drill) for _ in range(2)], Pod(consume, drill)
    for pod in (*pods, consumer):
        pod.wait()
    forwarder = Forwarder([pod.ports for pod in pods])
    load = Load(forwarder, os.urandom(4).hex())
    time.sleep(AROUND)
    seconds, memory = drill.replace(pods, serve, forwarder)
    successor = Pod(consume, drill)
    successor.wait()
    consumer.end()
    time.sleep(AROUND)
    result = load.stop()
    result |= {"stored": drill.count(result["acknowledged"]), "longest_end_s": round(seconds, 1), "peak_mib": memory >> 20}
    print(json.dumps(result))
    for door in ("http", "grpc"):
        expect(result[door] > 0, f"no vote by {door}")
    expect(not result["failures"], f"{len(result['failures'])} requests failed")
    expect(result["stored"] == result["acknowledged"], f"{result['acknowledged']} acknowledged, {result['stored']} stored")
    # Nobody uses them any more.
    for pod in (*pods, successor):
        pod.container = pod.container | {"lifecycle": {}}
        pod.end()


if __name__ == "__main__":
    DRILL = Drill(*sys.argv[1:])
    try:
        run(DRILL)
    finally:
        DRILL.close()
