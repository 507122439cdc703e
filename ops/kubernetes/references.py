"""What objects refer to must exist and agree: each check yields what is wrong."""

import pathlib
import re
from urllib.parse import parse_qs, urlsplit

from flows import ACME_SOLVER
from objects import matches

ROOT = pathlib.Path(__file__).resolve().parents[2]
# What the ports of the program are called, by setting.
LISTENERS = {"JORNADA_LISTEN": "http", "JORNADA_GRPC_LISTEN": "grpc", "JORNADA_OPS_LISTEN": "ops", "JORNADA_WATCH_LISTEN": "status"}
ROLES = {"serve": ("http", "grpc", "ops"), "consume": ("ops",), "watch": ("status",)}


def contract(name):
    """Returns the lines of a golden file of the names that stay stable."""
    return (ROOT / "tests/contract" / name).read_text(encoding="utf-8").splitlines()


SETTINGS = {line.split()[1] for line in contract("settings.txt") if line.startswith("program ")}
# Read by the libraries of TLS.
SETTINGS |= {"SSL_CERT_FILE"}
COMMANDS = {line for line in contract("commands.txt") if line.startswith("jornada")}


def services(objects):
    """Each Service selects pods, and each of them has its ports."""
    for service in objects.of("Service"):
        name, spec = service["metadata"]["name"], service["spec"]
        pods = objects.selected({"matchLabels": spec["selector"]})
        pods = [pod for pod in pods if pod.is_server]
        if not pods:
            yield f"Service {name} selects no pod"
        for port in spec["ports"]:
            target = port.get("targetPort", port["port"])
            for pod in pods:
                if target not in pod.ports():
                    yield f"Service {name}: {pod.name} has no port {target}"
                elif spec.get("clusterIP") == "None" and pod.ports()[target] != port["port"]:
                    yield f"Service {name} has no address of its own, so port {port['port']} must be that of the pods"
            if port["name"] == "grpc" and port.get("appProtocol") != "kubernetes.io/h2c":
                yield f"Service {name}: gRPC needs appProtocol kubernetes.io/h2c"


def selectors(objects):
    """Each selector of a workload, budget, policy and monitor matches what it is for."""
    for pod in objects.pods():
        spec = pod.workload["spec"]
        if "selector" in spec and not matches(spec["selector"], pod.labels):
            yield f"{pod.name}: its selector does not match its own pods"
        for constraint in pod.spec.get("topologySpreadConstraints", []):
            if not matches(constraint["labelSelector"], pod.labels):
                yield f"{pod.name}: topologySpreadConstraints of other pods"
        if pod.workload["kind"] == "StatefulSet":
            service = objects.find("Service", spec["serviceName"])
            if service is None or service["spec"].get("clusterIP") != "None":
                yield f"{pod.name}: no headless Service {spec['serviceName']}"
    strimzi = [{"strimzi.io/cluster": item["metadata"]["name"], "strimzi.io/name": f"{item['metadata']['name']}-{part}"}
               for item in objects.of("Kafka") for part in ("kafka", "entity-operator")]
    labels = [pod.labels for pod in objects.pods()] + strimzi + [ACME_SOLVER]
    for item in objects.of("PodDisruptionBudget", "PodMonitor", "NetworkPolicy"):
        name, spec = f"{item['kind']} {item['metadata']['name']}", item["spec"]
        selector = spec.get("podSelector", spec.get("selector"))
        if not any(matches(selector, own) for own in labels):
            yield f"{name} selects no pod"
        for endpoint in spec.get("podMetricsEndpoints", []):
            for pod in objects.selected(selector):
                if endpoint["port"] not in pod.ports():
                    yield f"{name}: {pod.name} has no port {endpoint['port']}"


def targets(objects):
    """Autoscalers refer to what exists."""
    for item in objects.of("HorizontalPodAutoscaler", "ScaledObject"):
        target = item["spec"]["scaleTargetRef"]
        if objects.find(target["kind"], target["name"]) is None:
            yield f"{item['kind']} {item['metadata']['name']}: no {target['kind']} {target['name']}"
    scaled = [item["spec"]["scaleTargetRef"]["name"] for item in objects.of("HorizontalPodAutoscaler", "ScaledObject")]
    for name in {name for name in scaled if scaled.count(name) > 1}:
        yield f"two autoscalers of {name}"


def values(objects, secrets):
    """Each ConfigMap and Secret that is referred to exists, with its keys, and so does each volume and account."""
    maps = {item["metadata"]["name"]: set(item.get("data", {})) for item in objects.of("ConfigMap")}
    keys = {"ConfigMap": maps, "Secret": {name: set(data) for name, data in secrets.items()}}
    for pod in objects.pods():
        account = pod.spec.get("serviceAccountName")
        if objects.find("ServiceAccount", account) is None:
            yield f"{pod.name}: no ServiceAccount {account}"
        volumes = {volume["name"] for volume in pod.spec.get("volumes", [])}
        volumes |= {claim["metadata"]["name"] for claim in pod.workload["spec"].get("volumeClaimTemplates", [])}
        for kind, name, key in referred(pod):
            if name not in keys[kind]:
                yield f"{pod.name}: no {kind} {name}"
            elif key is not None and key not in keys[kind][name]:
                yield f"{pod.name}: {kind} {name} has no key {key}"
        for container in pod.containers():
            for mount in container.get("volumeMounts", []):
                if mount["name"] not in volumes:
                    yield f"{pod.name}: no volume {mount['name']}"


def referred(pod):
    """Yields kind, name and key of each ConfigMap and Secret of a pod."""
    for container in pod.containers():
        for source in container.get("envFrom", []):
            for field, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
                if field in source:
                    yield kind, source[field]["name"], None
        for variable in container.get("env", []):
            for field, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
                reference = variable.get("valueFrom", {}).get(field)
                if reference is not None:
                    yield kind, reference["name"], reference["key"]
    for volume in pod.spec.get("volumes", []):
        if "configMap" in volume:
            items = volume["configMap"].get("items", [{"key": None}])
            yield from (("ConfigMap", volume["configMap"]["name"], item["key"]) for item in items)
        if "secret" in volume:
            yield "Secret", volume["secret"]["secretName"], None


def environment(objects, secrets, container):
    """Returns the variables of a container."""
    found = {}
    for source in container.get("envFrom", []):
        item = objects.find("ConfigMap", source.get("configMapRef", {}).get("name"))
        found |= (item or {}).get("data", {})
    for variable in container.get("env", []):
        reference = variable.get("valueFrom", {}).get("secretKeyRef")
        if reference is None:
            found[variable["name"]] = variable.get("value", "x")
        else:
            found[variable["name"]] = secrets.get(reference["name"], {}).get(reference["key"], "")
    return found


def settings(objects, secrets):
    """Commands and settings of the program exist, its ports are those of its pods, and its URLs lead to Services."""
    for pod in objects.pods():
        for container in pod.containers():
            if pod.labels.get("app.kubernetes.io/name") != "jornada":
                continue
            arguments = container.get("args", ["serve"])
            words = [word for word in arguments if not word.startswith("-") and not word.isdigit()]
            if "jornada " + " ".join(words) not in COMMANDS:
                yield f"{pod.name}: no command {' '.join(arguments)}"
            for flag in (word for word in arguments if word.startswith("--")):
                if not any(line.startswith(f"jornada {' '.join(words)} {flag} ") for line in COMMANDS):
                    yield f"{pod.name}: {' '.join(words)} has no {flag}"
            found = environment(objects, secrets, container)
            for name in found:
                if name not in SETTINGS:
                    yield f"{pod.name}: {name} is not a setting"
            for setting, port in LISTENERS.items():
                number = int(found.get(setting, "0:0").rsplit(":", 1)[-1])
                if port in ROLES.get(arguments[0], ()) and pod.ports().get(port) != number:
                    yield f"{pod.name}: port {port} is not that of {setting}"
            yield from addresses(objects, pod.name, found)


def addresses(objects, name, found):
    """Checks that the URLs of settings that name a Service name its port."""
    urls = [url for key in ("JORNADA_WATCH", "JORNADA_WATCH_ALSO") for url in found.get(key, "").split(",") if url]
    urls += [url for url in (found.get("JORNADA_CACHE"), found.get("JORNADA_QUEUE")) if url]
    urls += [f"mongodb://{host}" for host in re.findall(r"[\w.-]+:\d+(?=[,/])", found.get("JORNADA_STORE", ""))]
    urls += parse_qs(urlsplit(found.get("JORNADA_PHOTOS", "")).query).get("endpoint", [])
    for url in urls:
        parts = urlsplit(url.split(",")[0])
        if not parts.hostname or parts.hostname.count(".") >= 2:
            continue  # outside the cluster
        if not is_service(objects, parts.hostname, parts.port or 80):
            yield f"{name}: {parts.hostname}:{parts.port} is no port of a Service"


def is_service(objects, host, port):
    """Returns whether a name of the namespace is a Service, or one of its pods, with this port."""
    labels = host.split(".")
    kafka = {f"{item['metadata']['name']}-kafka-bootstrap": item for item in objects.of("Kafka")}
    if labels[0] in kafka:
        return port in [listener["port"] for listener in kafka[labels[0]]["spec"]["kafka"]["listeners"]]
    service = objects.find("Service", labels[-1])
    if service is None or port not in [one["port"] for one in service["spec"]["ports"]]:
        return False
    if len(labels) == 1:
        return True
    sets = [item for item in objects.of("StatefulSet") if item["spec"]["serviceName"] == labels[-1]]
    pods = {f"{item['metadata']['name']}-{number}" for item in sets for number in range(item["spec"]["replicas"])}
    return labels[0] in pods


def queue(objects, secrets):
    """Topic, partitions and replicas agree wherever they are named."""
    url = secrets.get("jornada", {}).get("JORNADA_QUEUE", "")
    topics = {item["metadata"]["name"]: item["spec"] for item in objects.of("KafkaTopic")}
    prepare = next(pod for pod in objects.pods() if pod.component == "prepare").spec["containers"][0]["args"]
    flags = dict(zip(prepare, prepare[1:]))
    topic = topics.get(urlsplit(url).path.lstrip("/"))
    if topics and topic is None:
        yield "JORNADA_QUEUE names another topic than the KafkaTopic"
        return
    if topic:
        for key in ("partitions", "replicas"):
            if flags.get(f"--{key}") != str(topic[key]):
                yield f"the Job prepare creates a topic with other {key} than the KafkaTopic"
    for item in objects.of("KafkaNodePool"):
        if topic and item["spec"]["replicas"] < topic["replicas"]:
            yield "fewer nodes of Kafka than replicas of the topic"
    for item in objects.of("ScaledObject"):
        for trigger in item["spec"]["triggers"]:
            data = trigger["metadata"]
            if topics.get(data["topic"], {}).get("partitions", 0) < item["spec"]["maxReplicaCount"]:
                yield "more consumers than partitions"
            host, port = data["bootstrapServers"].rsplit(":", 1)
            if not is_service(objects, host.split(".")[0], int(port)):
                yield f"KEDA asks {data['bootstrapServers']}, which is no listener of Kafka"


CHECKS = (services, selectors, targets)
CHECKS_WITH_SECRETS = (values, settings, queue)
