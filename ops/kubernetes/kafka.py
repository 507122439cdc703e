"""Kafka and what scales by it: each check yields what is wrong."""

from urllib.parse import urlsplit

from references import is_service


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


CHECKS_WITH_SECRETS = (queue,)
