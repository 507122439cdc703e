"""What objects refer to must exist and agree: each check yields what is wrong."""

import re

from flows import ACME_SOLVER
from objects import matches


def services(objects):
    """Each Service selects pods, and each of them has its ports."""
    for service in objects.of("Service"):
        name, spec = service["metadata"]["name"], service["spec"]
        pods = objects.selected({"matchLabels": spec["selector"]})
        pods = [pod for pod in pods if pod.is_server]
        if not pods:
            yield f"Service {name} selects no pod"
        if spec.get("type", "ClusterIP") != "ClusterIP":
            yield f"Service {name}: open to the outside, past the Gateway"
        for port in spec["ports"]:
            target = port.get("targetPort", port["port"])
            if port.get("protocol", "TCP") != "TCP":
                yield f"Service {name}: nothing listens to {port['protocol']}"
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
            if [one.name for one in objects.selected(constraint["labelSelector"])] != [pod.name]:
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
                if endpoint.get("relabelings") != labels_of(item["metadata"]["name"]):
                    yield f"{name}: other labels than those of prometheus/prometheus.yml"
                if endpoint.get("path", "/metrics") != "/metrics":
                    yield f"{name}: path {endpoint['path']}"
                if endpoint["port"] not in pod.ports():
                    yield f"{name}: {pod.name} has no port {endpoint['port']}"


def labels_of(job):
    """Returns the relabelings of a job, whose name its PodMonitor has, too."""
    return [{"action": "replace", "replacement": job, "targetLabel": "job"},
            {"sourceLabels": ["__meta_kubernetes_pod_name"], "targetLabel": "instance"}]


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
            own = {variable["name"] for variable in container.get("env", [])}
            read = re.findall(r"\$([A-Z_]+)", " ".join(container.get("command", [])))
            read += re.findall(r"process\.env\.([A-Z_]+)[;.]", scripts(objects, pod))
            for name in sorted(set(read) - own):
                yield f"{pod.name}: its command needs {name}"
            for variable in container.get("env", []):
                if "value" not in variable and not variable.get("valueFrom"):
                    yield f"{pod.name}: {variable['name']} has no value"
                for host, port in re.findall(r"(?:^|,)([\w.-]+):(\d+)(?=,|$)", variable.get("value", "")):
                    if not is_service(objects, host, int(port)):
                        yield f"{pod.name}: {host}:{port} is no port of a Service"
            for mount in container.get("volumeMounts", []):
                if mount["name"] not in volumes:
                    yield f"{pod.name}: no volume {mount['name']}"


def scripts(objects, pod):
    """Returns the texts of the scripts that a pod mounts."""
    names = [volume.get("configMap", {}).get("name") for volume in pod.spec.get("volumes", [])]
    maps = [item for item in objects.of("ConfigMap") if item["metadata"]["name"] in names]
    return "\n".join(text for item in maps for name, text in item["data"].items() if name.endswith(".js"))


def sidecar(objects):
    """Grafana's sidecar finds dashboards and data sources by their labels."""
    for item in objects.of("ConfigMap"):
        name, labels = item["metadata"]["name"], item["metadata"].get("labels", {})
        for part, label in (("dashboard-", "grafana_dashboard"), ("jornada-datasources", "grafana_datasource")):
            if name.startswith(part) and labels.get(label) != "1":
                yield f"ConfigMap {name}: no label {label}"


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


CHECKS = (services, selectors, targets, sidecar)
CHECKS_WITH_SECRETS = (values,)
