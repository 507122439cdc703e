"""Checks the services and worker pools of Cloud Run."""

import copy
import re

import mutations
import values
from objects import parse
from policy import SECRET_NAME, amount
from settings import command_errors, value_errors

# What Cloud Run reads, of what Knative has: the rest is refused there. https://cloud.google.com/run/docs/reference/yaml/v1
CONTAINER = {"name", "image", "command", "args", "env", "ports", "resources", "startupProbe", "livenessProbe", "readinessProbe",
             "volumeMounts", "workingDir", "dependsOn"}
REVISION = {"containers", "containerConcurrency", "timeoutSeconds", "serviceAccountName", "volumes"}
OF_POOL = REVISION - {"containerConcurrency", "timeoutSeconds"}
ANNOTATIONS = {
    "autoscaling.knative.dev/minScale", "autoscaling.knative.dev/maxScale", "run.googleapis.com/ingress",
    "run.googleapis.com/cpu-throttling", "run.googleapis.com/execution-environment", "run.googleapis.com/network-interfaces",
    "run.googleapis.com/vpc-access-egress", "run.googleapis.com/scalingMode", "run.googleapis.com/manualInstanceCount",
}
# Settings that have defaults there: the image has campaigns, and instances names.
OF_IMAGE = {"JORNADA_CAMPAIGNS": "campaigns", "JORNADA_INSTANCE": "x"}
# Arguments by name of the service or worker pool.
ARGUMENTS = {"jornada": ["serve"], "jornada-results": ["serve", "--read-only"], "jornada-consume": ["consume"]}
# Bytes of memory that the second generation of machines needs; seconds that it waits for a start at most.
LEAST_MEMORY, LONGEST_START = 512 << 20, 240
# Local disk is memory, and no other process of the revision sees it.
EMBEDDED = ("sqlite:", "file:")


def errors(folder, schemas):
    """Returns what is wrong with the files of a folder."""
    items = {file.name: parse(file.read_text(encoding="utf-8"))[0] for file in sorted(folder.glob("*.yaml"))}
    found = [f"{name}: {error}" for name, item in items.items() for error in item_errors(item, schemas)]
    for name, path, value, expected in mutations.CLOUD_RUN:
        broken = copy.deepcopy(items[name])
        mutations.change(broken, path, value)
        found += mutations.proof(item_errors(broken, schemas), expected, f"{name}: {path}", value)
    return found


def item_errors(item, schemas):
    """Yields what is wrong with one service or worker pool."""
    errors = [*schemas.errors(item), *values.forms(item)]
    yield from errors
    if errors:
        return
    spec = item["spec"]["template"]["spec"]
    for key in set(spec) - (OF_POOL if item["kind"] == "WorkerPool" else REVISION):
        yield f"Cloud Run does not know {key}"
    if not 1 <= spec.get("containerConcurrency", 80) <= 1000 or not 1 <= spec.get("timeoutSeconds", 300) <= 3600:
        yield "containerConcurrency is at most 1000, timeoutSeconds at most 3600"
    annotations = item["metadata"].get("annotations", {})
    for key in sorted({*annotations, *item["spec"]["template"]["metadata"]["annotations"]} - ANNOTATIONS):
        yield f"Cloud Run does not know the annotation {key}"
    if item["kind"] == "WorkerPool" and not int(annotations.get("run.googleapis.com/manualInstanceCount", 0)):
        yield "a worker pool without instances: run.googleapis.com/manualInstanceCount"
    for container in spec["containers"]:
        for key in set(container) - CONTAINER:
            yield f"Cloud Run does not know {key} of a container"
        yield from container_errors(item, container)


def container_errors(item, container):
    """Yields what is wrong with a container."""
    tag = container["image"].rsplit("/", 1)[-1].partition(":")[2]
    if tag in ("", "latest"):
        yield f"{container['image']} has no version"
    limits = container.get("resources", {}).get("limits", {})
    if not {"cpu", "memory"} <= set(limits):
        yield "no limits of cpu and memory"
    elif amount(limits["cpu"]) < 1 or amount(limits["memory"]) < LEAST_MEMORY:
        yield "less than a whole processor, or than 512Mi of memory"
    words = container.get("args", ["serve"])
    if words != ARGUMENTS[item["metadata"]["name"]]:
        yield f"does not run {' '.join(ARGUMENTS[item['metadata']['name']])}"
    variables = {one["name"]: one.get("value", "") for one in container.get("env", [])}
    for name, value in variables.items():
        if value.startswith(EMBEDDED):
            yield f"{name}: what is stored on a local disk is lost"
    yield from command_errors(words, {name: value or "x" for name, value in variables.items()} | OF_IMAGE)
    # The operations listener is for the container alone.
    yield from value_errors({name: value for name, value in variables.items() if name != "JORNADA_OPS_LISTEN"})
    yield from secret_errors(container)
    yield from probe_errors(container, variables)
    yield from port_errors(item, container, variables)


def secret_errors(container):
    """Each secret comes from Secret Manager, one for each setting, by version."""
    seen = {}
    for variable in container.get("env", []):
        reference = variable.get("valueFrom", {}).get("secretKeyRef")
        if reference is None:
            if SECRET_NAME.search(variable["name"]):
                yield f"the value of {variable['name']} is not in a secret"
            continue
        if not re.fullmatch(r"\d+|latest", reference["key"]):
            yield f"{variable['name']}: {reference['key']} is no version of a secret"
        if seen.setdefault(reference["name"], variable["name"]) != variable["name"]:
            yield f"{variable['name']} and {seen[reference['name']]} share a secret"


def probe_errors(container, variables):
    """Yields what is wrong with the probes."""
    listeners = ("JORNADA_LISTEN", "JORNADA_OPS_LISTEN")
    for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
        probe = container.get(kind)
        if probe is None:
            continue
        asked = probe.get("httpGet", {})
        if (asked.get("path"), f"0.0.0.0:{asked.get('port')}") not in {("/healthz", variables.get(name)) for name in listeners}:
            yield f"{kind} asks what does not answer"
        period = probe.get("periodSeconds", 10)
        if probe.get("timeoutSeconds", 1) > period:
            yield f"{kind}: timeoutSeconds is longer than periodSeconds"
        if kind == "startupProbe" and period * probe.get("failureThreshold", 3) > LONGEST_START:
            yield f"{kind} may take {LONGEST_START} s at most"


def port_errors(item, container, variables):
    """A service has one port, to which the program listens; a worker pool has none."""
    ports = container.get("ports", [])
    if item["kind"] == "WorkerPool":
        if ports:
            yield "a worker pool has no port"
        return
    if len(ports) != 1 or variables.get("JORNADA_LISTEN") != f"0.0.0.0:{ports[0]['containerPort']}":
        yield "JORNADA_LISTEN is not the one port"
    grpc = variables.get("JORNADA_GRPC_LISTEN")
    if grpc not in ("none", "http"):
        yield "JORNADA_GRPC_LISTEN needs a second port: none or http"
    if ports and (ports[0].get("name") == "h2c") != (grpc == "http"):
        yield "gRPC needs a port of the name h2c"
    if variables.get("JORNADA_FORWARDED", "0") == "0" or not variables.get("JORNADA_PROXY"):
        yield "all clients are one: JORNADA_FORWARDED, JORNADA_PROXY"
    annotations = item["spec"]["template"]["metadata"]["annotations"]
    if annotations.get("run.googleapis.com/cpu-throttling") != "false":
        yield "background tasks stand still between requests: run.googleapis.com/cpu-throttling"
    if int(annotations.get("autoscaling.knative.dev/maxScale", 0)) < 1:
        yield "no maxScale: each instance opens connections to the stores"
