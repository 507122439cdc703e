"""Values that an API server refuses, and no schema here does: enumerations, forms, numbers, and fields that exclude one another."""

import re
import zoneinfo

# By the last names of the path, list places left out.
ENUMS = {path: set(words.split()) for path, words in {
    "imagePullPolicy": "Always IfNotPresent",
    "strategy.type": "RollingUpdate Recreate",
    "updateStrategy.type": "RollingUpdate OnDelete",
    "podManagementPolicy": "OrderedReady Parallel",
    "concurrencyPolicy": "Allow Forbid Replace",
    "accessModes": "ReadWriteOnce ReadOnlyMany ReadWriteMany ReadWriteOncePod",
    "whenUnsatisfiable": "DoNotSchedule ScheduleAnyway",
    "fsGroupChangePolicy": "Always OnRootMismatch",
    "unhealthyPodEvictionPolicy": "AlwaysAllow IfHealthyBudget",
    "policyTypes": "Ingress Egress",
    "ports.protocol": "TCP UDP SCTP",
    "listeners.protocol": "HTTP HTTPS TLS TCP UDP",
    "tls.mode": "Terminate Passthrough",
    "namespaces.from": "Same All Selector",
    "requestRedirect.scheme": "http https",
    "httpGet.scheme": "HTTP HTTPS",
    "matchExpressions.operator": "In NotIn Exists DoesNotExist",
    "metrics.type": "Resource ContainerResource Pods Object External",
    "target.type": "Utilization Value AverageValue",
    "policies.type": "Pods Percent",
}.items()}
QUANTITY = r"\d+(\.\d+)?(m|[kKMGT]i?)?"
DURATION = r"(\d+(ms|s|m|h))+"
NAME = r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?"
FORMS = {
    "requests.cpu": QUANTITY, "requests.memory": QUANTITY, "requests.storage": QUANTITY, "limits.cpu": QUANTITY, "limits.memory": QUANTITY,
    "emptyDir.sizeLimit": QUANTITY, "volumes.size": QUANTITY,
    "timeouts.request": DURATION, "podMetricsEndpoints.interval": DURATION, "podMetricsEndpoints.scrapeTimeout": DURATION,
    "metadata.name": NAME, "ports.name": r"[a-z0-9-]{1,15}",
}
# Lowest values.
LOWEST = {"failureThreshold": 1, "successThreshold": 1, "periodSeconds": 1, "timeoutSeconds": 1, "minReplicas": 1, "maxReplicas": 1,
          "replicas": 0, "weight": 0, "minReplicaCount": 0, "stabilizationWindowSeconds": 0, "backoffLimit": 0, "averageUtilization": 1}
NEVER_EMPTY = {"containers", "parentRefs", "hostnames", "rules", "listeners", "triggers", "podMetricsEndpoints", "ports", "metrics"}
# Of minutes, hours, days, months, days of the week.
CRON = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 7)]


def leaves(value, path=()):
    """Yields the path and value of each number, text and empty list, list places left out."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from leaves(part, (*path, key))
    elif isinstance(value, list) and value:
        for part in value:
            yield from leaves(part, path)
    else:
        yield path, value


def lookup(table, path):
    """Returns the entry of a table for the last names of a path."""
    return table.get(".".join(path[-2:]), table.get(path[-1]))


def forms(item):
    """Each value is one of its enumeration, has its form, or is as high as it must be."""
    for path, value in leaves(item):
        if value == []:
            if path[-1] in NEVER_EMPTY:
                yield f"{'.'.join(path)} is empty"
            continue
        words, form, lowest = (lookup(table, path) for table in (ENUMS, FORMS, LOWEST))
        if words and value not in words or form and not re.fullmatch(form, str(value)) \
                or lowest is not None and isinstance(value, int) and value < lowest:
            yield f"{'.'.join(path)} cannot be {value}"


def workloads(objects):
    """Fields of workloads that exclude or need one another."""
    for pod in objects.pods():
        spec, policy = pod.workload["spec"], pod.spec.get("restartPolicy", "Always")
        if (policy == "Always") != pod.is_server or policy not in ("Always", "OnFailure", "Never"):
            yield f"{pod.name}: restartPolicy cannot be {policy}"
        for claim in spec.get("volumeClaimTemplates", []):
            if not claim["spec"].get("accessModes") or "storage" not in claim["spec"].get("resources", {}).get("requests", {}):
                yield f"{pod.name}: claim {claim['metadata']['name']} lacks accessModes or storage"
        strategy = spec.get("strategy", {})
        rolling = strategy.get("rollingUpdate", {})
        if str(rolling.get("maxSurge", 1)).rstrip("%") == str(rolling.get("maxUnavailable", 1)).rstrip("%") == "0":
            yield f"{pod.name}: neither maxSurge nor maxUnavailable"
        if spec.get("minReadySeconds", 0) >= spec.get("progressDeadlineSeconds", 600):
            yield f"{pod.name}: minReadySeconds is longer than progressDeadlineSeconds"
        if rolling and strategy.get("type") == "Recreate":
            yield f"{pod.name}: Recreate has no rollingUpdate"
    for item in objects.of("CronJob"):
        name, spec = f"CronJob {item['metadata']['name']}", item["spec"]
        if not is_cron(spec["schedule"]):
            yield f"{name}: schedule cannot be {spec['schedule']}"
        if spec.get("timeZone", "UTC") not in zoneinfo.available_timezones():
            yield f"{name}: timeZone cannot be {spec['timeZone']}"


def is_cron(schedule):
    """Returns whether a schedule has five fields of numbers in their ranges, lists, steps, or stars."""
    fields = schedule.split()
    parts = [(part, bounds) for field, bounds in zip(fields, CRON) for part in field.split(",")]
    return len(fields) == len(CRON) and all(
        re.fullmatch(r"(\*|\d+(-\d+)?)(/[1-9]\d*)?", part)
        and all(low <= int(number) <= high for number in re.findall(r"\d+", part.partition("/")[0])) for part, (low, high) in parts)


def seconds(duration):
    """Returns a duration in seconds."""
    return sum(int(number) * {"ms": 0.001, "s": 1, "m": 60, "h": 3600}[unit] for number, unit in re.findall(r"(\d+)(ms|s|m|h)", duration))


def others(objects):
    """Fields of autoscalers, budgets, gateways and monitors that exclude or need one another."""
    for item in objects.of("HorizontalPodAutoscaler"):
        name, spec = f"HorizontalPodAutoscaler {item['metadata']['name']}", item["spec"]
        if spec.get("minReplicas", 1) > spec["maxReplicas"]:
            yield f"{name}: minReplicas is higher than maxReplicas"
        for metric in spec["metrics"]:
            target = metric.get("resource", {}).get("target", {})
            if metric["type"] == "Resource" and "resource" not in metric:
                yield f"{name}: no resource"
            if target.get("type") == "Utilization" and "averageUtilization" not in target:
                yield f"{name}: no averageUtilization"
    for item in objects.of("PodDisruptionBudget"):
        if ("minAvailable" in item["spec"]) == ("maxUnavailable" in item["spec"]):
            yield f"PodDisruptionBudget {item['metadata']['name']}: minAvailable or maxUnavailable, one of both"
    for item in objects.of("Gateway"):
        for listener in item["spec"]["listeners"]:
            if (listener["protocol"] in ("HTTPS", "TLS")) != bool(listener.get("tls", {}).get("certificateRefs")):
                yield f"Gateway {item['metadata']['name']}: listener {listener['name']}: certificates and {listener['protocol']} do not fit"
    for item in objects.of("PodMonitor"):
        for endpoint in item["spec"]["podMetricsEndpoints"]:
            interval, timeout = (endpoint[key] for key in ("interval", "scrapeTimeout"))
            if seconds(timeout) > seconds(interval):
                yield f"PodMonitor {item['metadata']['name']}: scrapeTimeout is longer than interval"


CHECKS = (workloads, others)
