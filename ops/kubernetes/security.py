"""The profile `restricted` of Pod Security, and more: each check yields what is wrong."""

VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
# Fields of securityContext. Others, such as procMount and sysctls, weaken a pod; those of a container go before those of its pod.
OF_POD = {"runAsNonRoot", "runAsUser", "runAsGroup", "fsGroup", "fsGroupChangePolicy", "seccompProfile"}
OF_CONTAINER = {"allowPrivilegeEscalation", "readOnlyRootFilesystem", "capabilities"}


def pods(objects):
    """The profile `restricted`, a read-only file system, no access to the cluster's API."""
    for pod in objects.pods():
        spec = pod.spec
        for key in ("hostNetwork", "hostPID", "hostIPC"):
            if spec.get(key):
                yield f"{pod.name}: {key}"
        yield from pod_context(pod.name, spec.get("securityContext", {}))
        if spec.get("automountServiceAccountToken") is not False:
            yield f"{pod.name}: mounts a token of the cluster's API"
        if spec.get("enableServiceLinks") is not False:
            yield f"{pod.name}: enableServiceLinks defines variables that look like settings"
        for volume in spec.get("volumes", []):
            if not set(volume) - {"name"} <= VOLUMES:
                yield f"{pod.name}: volume {volume['name']} is of a forbidden kind"
        for container in pod.containers():
            name, context = f"{pod.name}: {container['name']}", container.get("securityContext", {})
            yield from container_context(name, context)
            if context.get("readOnlyRootFilesystem") is not True:
                yield f"{name} may write to its file system"
            if any("hostPort" in port for port in container.get("ports", [])):
                yield f"{name} has a hostPort"


def pod_context(name, context):
    """Checks the securityContext of a pod."""
    if context.get("runAsNonRoot") is not True or context.get("runAsUser", 0) == 0:
        yield f"{name}: may run as root"
    if context.get("seccompProfile") != {"type": "RuntimeDefault"}:
        yield f"{name}: no seccompProfile"
    for key in sorted(set(context) - OF_POD):
        yield f"{name}: {key} in the securityContext of a pod"


def container_context(name, context):
    """Checks the securityContext of a container."""
    if context.get("allowPrivilegeEscalation") is not False:
        yield f"{name} may gain privileges"
    if context.get("capabilities") != {"drop": ["ALL"]}:
        yield f"{name} keeps capabilities"
    for key in sorted(set(context) - OF_CONTAINER):
        yield f"{name}: {key} in the securityContext of a container"


def strimzi(objects):
    """The pods that Strimzi makes."""
    for kafka in objects.of("Kafka"):
        for part, container in (("kafka", "kafkaContainer"), ("entityOperator", "topicOperatorContainer")):
            template, name = kafka["spec"][part].get("template", {}), f"Kafka {kafka['metadata']['name']}: {part}"
            yield from pod_context(name, template.get("pod", {}).get("securityContext", {}))
            yield from container_context(name, template.get(container, {}).get("securityContext", {}))


CHECKS = (pods, strimzi)
