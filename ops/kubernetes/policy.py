"""What every workload must have: each check yields what is wrong."""

import re

from objects import matches

# Quantities of memory and processors, in bytes and processors.
UNITS = {"": 1, "m": 1e-3, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}
# Largest request of processors and limit of memory, so that nodes of 4 processors and 16 GiB are enough.
MOST_CPU, MOST_MEMORY = 4, 12 * 2**30
# Seconds that a role needs after SIGTERM: DRAIN in src/cli/serve.rs and its brothers.
DRAIN = {"serve": 27, "serve-direct": 27, "consume": 25, "watch": 10}
# Seconds that a part may need to start, if more than a minute: it may create indexes, or replay a journal.
START = {"serve": 600, "serve-direct": 600, "consume": 600, "mongodb": 600}
# What answers probes.
OF_SERVE = {"http /healthz by HTTP", "ops /healthz by HTTP", "ops /readyz by HTTP", "grpc as grpc"}
ENDPOINTS = {
    "serve": OF_SERVE, "serve-direct": OF_SERVE, "consume": {"ops /healthz by HTTP", "ops /readyz by HTTP"},
    "watch": {"status /healthz by HTTP"}, "nginx": {"status /healthz by HTTP"}, "seaweedfs": {"s3 /healthz by HTTP"},
}
# Parts that clients reach through a gateway, which learns late that they end.
PUBLIC = ("serve", "serve-direct", "nginx")
# Values that nothing else here would miss, by field: they are the defaults of none of these objects.
SURGE = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
FIXED = {
    # Members of a replica set find one another before they are ready, and nginx finds instances that are not.
    "podManagementPolicy": {"StatefulSet mongodb": "Parallel"},
    "publishNotReadyAddresses": {"Service mongodb": True, "Service serve-each": True},
    # nginx and the watchers ask each pod.
    "clusterIP": dict.fromkeys(("Service serve-each", "Service serve-ops", "Service consume-ops"), "None"),
    # Jobs wait for the stores at the first start.
    "backoffLimit": {"Job prepare": 12, "Job mongodb-init": 12},
    # A new pod is ready before an old one ends; the group of the consumers changes once for each.
    "strategy": {**dict.fromkeys(("Deployment serve", "Deployment serve-direct", "Deployment nginx"), SURGE),
                 "Deployment consume": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}},
    # One may be lost.
    "replicas": {"Deployment nginx": 2, "Deployment serve-direct": 2, "StatefulSet watch": 2, "StatefulSet mongodb": 3},
    "minReplicas": {"HorizontalPodAutoscaler serve": 3, "HorizontalPodAutoscaler consume": 2},
}
# Parts of which a majority must stay.
DATA = ("mongodb",)
SECRET_NAME = re.compile(r"PASSWORD|SECRET|_KEY$|^KEY$|TOKEN|^AWS_|JORNADA_(STORE|CACHE|QUEUE|SMTP)$")


def amount(quantity):
    """Returns a quantity as a number."""
    number, unit = re.fullmatch(r"([\d.]+)([A-Za-z]*)", str(quantity)).groups()
    return float(number) * UNITS[unit]


def images(objects):
    """Each image has a version."""
    for pod in objects.pods():
        for container in pod.containers():
            tag = container["image"].rsplit("/", 1)[-1].partition(":")[2]
            if tag in ("", "latest"):
                yield f"{pod.name}: {container['image']} has no version"


def resources(objects):
    """Each container requests processors and memory, and has a limit of memory."""
    for pod in objects.pods():
        for container in pod.containers():
            found = container.get("resources", {})
            requests, limits = found.get("requests", {}), found.get("limits", {})
            if not {"cpu", "memory"} <= set(requests) or "memory" not in limits:
                yield f"{pod.name}: {container['name']} lacks requests of cpu and memory, or a limit of memory"
            elif amount(requests["cpu"]) > MOST_CPU or amount(limits["memory"]) > MOST_MEMORY:
                yield f"{pod.name}: {container['name']} is larger than a node: a wrong unit?"
            elif amount(requests["memory"]) > amount(limits["memory"]):
                yield f"{pod.name}: {container['name']} requests more memory than its limit"


def probes(objects):
    """Each server has three probes, of an endpoint that answers; its liveness asks no dependency, and it has time to start."""
    for pod in objects.pods():
        for container in pod.containers() if pod.is_server else []:
            for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
                probe = container.get(kind)
                if probe is None:
                    yield f"{pod.name}: no {kind}"
                    continue
                asked = endpoint(pod, probe)
                if pod.component in ENDPOINTS and asked not in ENDPOINTS[pod.component]:
                    yield f"{pod.name}: {kind} asks {asked}, which does not answer"
                elif asked is None:
                    yield f"{pod.name}: {kind} asks a port that the pod does not have"
                if kind == "livenessProbe" and "/readyz" in str(probe):
                    yield f"{pod.name}: livenessProbe asks dependencies"
                seconds = probe.get("periodSeconds", 10) * probe.get("failureThreshold", 3)
                if kind == "startupProbe" and seconds < START.get(pod.component, 60):
                    yield f"{pod.name}: startupProbe gives it only {seconds} s"


def endpoint(pod, probe):
    """Returns what a probe asks: the name of a port and what of it; `None` if the pod does not have that port."""
    names = {port["containerPort"]: port["name"] for container in pod.containers() for port in container.get("ports", [])}
    if "exec" in probe:
        return "command"
    way = next(key for key in ("httpGet", "tcpSocket", "grpc") if key in probe)
    name = names.get(pod.ports().get(probe[way]["port"]))
    if name is None or way == "tcpSocket":
        return name
    return f"{name} as grpc" if way == "grpc" else f"{name} {probe[way].get('path', '/')} by {probe[way].get('scheme', 'HTTP')}"


def termination(objects):
    """A pod waits before it ends while clients may still be sent to it, and has time to finish after that."""
    for pod in objects.pods():
        if not pod.is_server:
            continue
        sleep = max(c.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0) for c in pod.containers())
        grace = pod.spec.get("terminationGracePeriodSeconds", 30)
        if pod.component in PUBLIC and sleep < 5:
            yield f"{pod.name}: ends before gateways know: preStop.sleep"
        if grace <= sleep + DRAIN.get(pod.component, 5):
            yield f"{pod.name}: terminationGracePeriodSeconds {grace} is too short"


def secrets_by_reference(objects):
    """No secret is in a variable or a ConfigMap."""
    for pod in objects.pods():
        for container in pod.containers():
            for variable in container.get("env", []):
                value = variable.get("value", "")
                if SECRET_NAME.search(variable["name"]) and value not in ("", "direct:"):
                    yield f"{pod.name}: the value of {variable['name']} is not in a Secret"
    for item in objects.of("ConfigMap"):
        for name, value in item.get("data", {}).items():
            if SECRET_NAME.search(name) or re.search(r"://[^/\s:@]*:[^/\s@$]+@", value):
                yield f"ConfigMap {item['metadata']['name']}: {name} may be a secret"
    for item in objects.of("Secret"):
        yield f"Secret {item['metadata']['name']} is part of the overlay"


def names(objects):
    """Each object exists once, in the namespace, and is small enough for `kubectl apply`."""
    seen = set()
    for item in objects.items:
        key = item["kind"], item["metadata"]["name"]
        if key in seen:
            yield f"{' '.join(key)} exists twice"
        seen.add(key)
        if item["kind"] != "Namespace" and item["metadata"].get("namespace") != "jornada":
            yield f"{' '.join(key)} is not in the namespace"
        if len(str(item)) > 250_000:
            yield f"{' '.join(key)} is too large for the annotation of kubectl apply"
    namespace = objects.find("Namespace", "jornada") or {"metadata": {}}
    if namespace["metadata"].get("labels", {}).get("pod-security.kubernetes.io/enforce") != "restricted":
        yield "the namespace does not enforce the profile restricted"


def disruption(objects):
    """Each server of several replicas has a budget of disruptions and is spread."""
    budgets = [item["spec"] for item in objects.of("PodDisruptionBudget")]
    scaled = {item["spec"]["scaleTargetRef"]["name"] for item in objects.of("HorizontalPodAutoscaler", "ScaledObject")}
    for pod in objects.pods():
        spec, name = pod.workload["spec"], pod.workload["metadata"]["name"]
        is_several = spec.get("replicas", 1) > 1 or name in scaled
        if not pod.is_server or not is_several:
            continue
        own = [budget for budget in budgets if matches(budget["selector"], pod.labels)]
        if len(own) != 1 or own[0].get("maxUnavailable") != 1:
            yield f"{pod.name}: not exactly one PodDisruptionBudget with maxUnavailable 1"
        elif pod.component not in DATA and own[0].get("unhealthyPodEvictionPolicy") != "AlwaysAllow":
            yield f"{pod.name}: a pod that is not ready keeps its node from being drained"
        if "topologySpreadConstraints" not in pod.spec and "affinity" not in pod.spec:
            yield f"{pod.name}: its pods may all be on one node"
        if name in scaled and "replicas" in spec:
            yield f"{pod.name}: replicas would undo the work of its autoscaler at each apply"


def replacement(objects):
    """What replaces pods can find its own, and no others; all pods of the program have one image; nothing is suspended."""
    own = [pod for pod in objects.pods() if pod.labels.get("app.kubernetes.io/name") == "jornada"]
    versions = {container["image"] for pod in own for container in pod.containers()}
    if len(versions) != 1:
        yield f"different versions of the program: {', '.join(sorted(versions))}"
    for pod in objects.pods():
        if not pod.labels.items() <= pod.workload["metadata"].get("labels", {}).items():
            yield f"{pod.name}: lacks the labels of its pods, by which rollout.sh finds it"
        selector = pod.workload["spec"].get("selector")
        if selector is not None and [one.name for one in objects.selected(selector)] != [pod.name]:
            yield f"{pod.name}: its selector matches pods of others"
        for key in ("paused", "suspend"):
            if pod.workload["spec"].get(key):
                yield f"{pod.name}: {key}"


def fixed(objects):
    """Fields have the values of FIXED."""
    for key, of in FIXED.items():
        for name, value in of.items():
            item = objects.find(*name.split())
            if item is not None and item["spec"].get(key) != value:
                yield f"{name}: {key} is not {value}"


CHECKS = (images, resources, probes, termination, secrets_by_reference, names, disruption, replacement, fixed)
