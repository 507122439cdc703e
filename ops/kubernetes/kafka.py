"""Kafka and what scales by it: each check yields what is wrong."""

import re
from urllib.parse import parse_qs, urlsplit

from references import is_service

# Options that name a number of copies, or how many of them acknowledge a record.
COPIES = ("default.replication.factor", "min.insync.replicas", "offsets.topic.replication.factor",
          "transaction.state.log.replication.factor", "transaction.state.log.min.isr",
          "share.coordinator.state.topic.replication.factor", "share.coordinator.state.topic.min.isr")


# Options that Strimzi sets itself, and refuses or ignores.
OWN = re.compile(r"(advertised|authorizer|broker|controller|listener|sasl|security|ssl|zookeeper)\."
                 r"|listeners|node\.id|process\.roles|log\.dir|super\.user")


def acknowledged(copies):
    """Returns how many copies must acknowledge a record: one node may be lost, and no record with it."""
    return max(1, copies - 1)


def queue(objects, secrets):
    """Topic, partitions and copies agree wherever they are named."""
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
        if topic.get("config", {}).get("min.insync.replicas") != acknowledged(topic["replicas"]):
            yield f"not {acknowledged(topic['replicas'])} of {topic['replicas']} copies acknowledge a vote: min.insync.replicas"
    for item in objects.of("ScaledObject"):
        yield from scaling(objects, item["spec"], topics, url)


def nodes(objects, _secrets):
    """Strimzi finds nodes and topics of its cluster, with the roles it needs, and as many as settings and topics require."""
    for kafka in objects.of("Kafka"):
        label = {"strimzi.io/cluster": kafka["metadata"]["name"]}
        for item in objects.of("KafkaNodePool", "KafkaTopic"):
            if not label.items() <= item["metadata"].get("labels", {}).items():
                yield f"{item['kind']} {item['metadata']['name']}: no label of its cluster"
        spec = kafka["spec"]["kafka"]
        if not spec.get("metadataVersion", "").startswith(spec["version"].rpartition(".")[0] + "-"):
            yield f"Kafka {spec['version']} with the metadata of {spec.get('metadataVersion')}"
        for key in filter(OWN.match, spec["config"]):
            yield f"Strimzi sets {key}"
        pools = [item["spec"] for item in objects.of("KafkaNodePool")]
        if {role for pool in pools for role in pool["roles"]} != {"controller", "broker"}:
            yield "Kafka needs nodes with the role controller and nodes with the role broker"
        brokers = sum(pool["replicas"] for pool in pools if "broker" in pool["roles"])
        copies = min(3, brokers)
        for key in COPIES:
            wanted = acknowledged(copies) if key.endswith(("isr", "replicas")) else copies
            if spec["config"].get(key) != wanted:
                yield f"{key} is not {wanted}, with {brokers} nodes"
        if copies == 1 and spec["config"].get("log.flush.interval.messages") != 1:
            yield "the only copy of a vote is acknowledged before it is on a disk: log.flush.interval.messages"
        if any(item["spec"]["replicas"] > brokers for item in objects.of("KafkaTopic")):
            yield "fewer nodes of Kafka than copies of a topic"
        if not all(volume.get("type") == "persistent-claim" for pool in pools for volume in pool["storage"]["volumes"] or [{}]):
            yield "Kafka has no disk"
        for part in (*pools, kafka["spec"]["entityOperator"]["topicOperator"]):
            found = part.get("resources", {})
            if not {"cpu", "memory"} <= set(found.get("requests", {})) or "memory" not in found.get("limits", {}):
                yield "pods of Strimzi lack requests of cpu and memory, or a limit of memory"


def scaling(objects, spec, topics, url):
    """Checks the triggers of KEDA."""
    group = parse_qs(urlsplit(url).query).get("group", ["jornada"])[0]
    for trigger in spec["triggers"]:
        data = trigger["metadata"]
        if trigger["type"] != "kafka":
            yield f"KEDA has no trigger {trigger['type']}"
        if topics.get(data["topic"], {}).get("partitions", 0) < spec["maxReplicaCount"]:
            yield "more consumers than partitions"
        if not 1 <= spec["minReplicaCount"] <= spec["maxReplicaCount"]:
            yield "KEDA: minReplicaCount is not between 1 and maxReplicaCount"
        if data.get("consumerGroup") != group:
            yield f"KEDA asks for the lag of another group than {group}"
        if not re.fullmatch(r"[1-9]\d*", data.get("lagThreshold", "")):
            yield "KEDA: lagThreshold is no number"
        host, port = data["bootstrapServers"].rsplit(":", 1)
        if not re.fullmatch(r"[\w-]+\.jornada\.svc", host) or not is_service(objects, host.split(".")[0], int(port)):
            yield f"KEDA asks {data['bootstrapServers']}, which is no listener of Kafka"


CHECKS_WITH_SECRETS = (queue, nodes)
