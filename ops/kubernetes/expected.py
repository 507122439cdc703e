"""The objects of each overlay, policies of the network left out: flows.py finds out which of them are missing."""

import re

# Kustomize writes hexadecimal digits without vowels and what looks like them.
HASH = re.compile(r"-[bcdfghkmt2456789]{10}$")
# Of base and each component: kind, names.
OBJECTS = {
    "base": {
        "Namespace": "jornada", "ServiceAccount": "jornada", "ConfigMap": "jornada-campaigns jornada-settings jornada-watch",
        "Service": "serve serve-each serve-ops consume-ops watch", "Deployment": "serve consume", "StatefulSet": "watch", "Job": "prepare",
        "CronJob": "sweep", "PodDisruptionBudget": "serve consume watch", "HorizontalPodAutoscaler": "serve consume",
    },
    "mongodb": {
        "StatefulSet": "mongodb", "Service": "mongodb", "Job": "mongodb-init", "ConfigMap": "mongodb-init",
        "PodDisruptionBudget": "mongodb",
    },
    "redis": {"StatefulSet": "redis", "Service": "redis"},
    "seaweedfs": {"StatefulSet": "seaweedfs", "Service": "seaweedfs"},
    "kafka-strimzi": {"Kafka": "jornada", "KafkaNodePool": "nodes", "KafkaTopic": "votes"},
    "keda": {"ScaledObject": "consume"},
    "gateway": {"Gateway": "jornada", "HTTPRoute": "redirect site", "GRPCRoute": "votes"},
    "nginx": {"Deployment": "nginx", "Service": "nginx", "ConfigMap": "nginx", "PodDisruptionBudget": "nginx"},
    "split": {"Deployment": "serve-direct", "Service": "serve-direct", "PodDisruptionBudget": "serve-direct"},
    "monitoring": {
        "PodMonitor": "jornada consumer watch", "PrometheusRule": "jornada",
        "ConfigMap": "jornada-datasources dashboard-servicios dashboard-campana dashboard-votaciones dashboard-registros",
    },
    "private-ca": {"ConfigMap": "private-ca"},
}
# What a component deletes.
DELETED = {"keda": {("HorizontalPodAutoscaler", "consume")}}
# The components of the overlays in k8s/overlays.
LOCAL = ["mongodb", "redis", "seaweedfs", "kafka-strimzi", "nginx"]
PRODUCTION = ["kafka-strimzi", "keda", "gateway", "nginx", "monitoring"]


def errors(items, components):
    """Yields which objects are missing, or are not expected, in base with these components."""
    expected = {(kind, name) for part in ("base", *components) for kind, names in OBJECTS[part].items() for name in names.split()}
    expected -= {one for part in components for one in DELETED.get(part, ())}
    found = {(item["kind"], plain_name(item)) for item in items if item["kind"] != "NetworkPolicy"}
    for kind, name in sorted(expected - found):
        yield f"{kind} {name} is missing"
    for kind, name in sorted(found - expected):
        yield f"{kind} {name} is not expected"


def plain_name(item):
    """Returns the name of an object, without the hash that a generated ConfigMap ends with."""
    return HASH.sub("", item["metadata"]["name"]) if item["kind"] == "ConfigMap" else item["metadata"]["name"]
