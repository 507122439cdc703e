"""Objects of a rendered overlay, and what they refer to."""

import subprocess

import yaml

WORKLOADS = ("Deployment", "StatefulSet", "Job", "CronJob")


class Objects:
    """All objects of an overlay, with its Secrets."""

    def __init__(self, items):
        self.items = items

    def of(self, *kinds):
        """Returns the objects of these kinds."""
        return [item for item in self.items if item["kind"] in kinds]

    def find(self, kind, name):
        """Returns an object, or `None`."""
        found = (item for item in self.of(kind) if item["metadata"]["name"] == name)
        return next(found, None)

    def pods(self):
        """Returns the pod templates, each with its workload."""
        return [Pod(item) for item in self.of(*WORKLOADS)]

    def selected(self, selector):
        """Returns the pod templates that a selector of labels matches."""
        return [pod for pod in self.pods() if matches(selector, pod.labels)]


class Pod:
    """A pod template."""

    def __init__(self, workload):
        self.workload = workload
        spec = workload["spec"]
        if workload["kind"] == "CronJob":
            spec = spec["jobTemplate"]["spec"]
        self.template = spec["template"]
        self.spec = self.template["spec"]
        self.labels = self.template.get("metadata", {}).get("labels", {})
        self.name = f"{workload['kind']} {workload['metadata']['name']}"
        self.is_server = workload["kind"] in ("Deployment", "StatefulSet")

    @property
    def component(self):
        """Name of the part of the system."""
        return self.labels.get("app.kubernetes.io/component", "")

    def containers(self):
        """Returns all containers."""
        return self.spec.get("initContainers", []) + self.spec["containers"]

    def ports(self):
        """Returns the numbers of the ports by number and by name."""
        found = {}
        for container in self.containers():
            for port in container.get("ports", []):
                found[port["containerPort"]] = port["containerPort"]
                found[port.get("name")] = port["containerPort"]
        return found


def matches(selector, labels):
    """Returns whether a selector of labels matches; an empty one matches all."""
    selector = selector or {}
    for key, value in selector.get("matchLabels", {}).items():
        if labels.get(key) != value:
            return False
    for expression in selector.get("matchExpressions", []):
        value, values = labels.get(expression["key"]), expression.get("values", [])
        fits = {
            "In": value in values,
            "NotIn": value not in values,
            "Exists": value is not None,
            "DoesNotExist": value is None,
        }
        if not fits[expression["operator"]]:
            return False
    return True


def parse(text):
    """Returns the objects of a text of YAML."""
    return [item for item in yaml.load_all(text, yaml.CSafeLoader) if item]


def render(kubectl, folder):
    """Returns the objects of an overlay."""
    command = [kubectl, "kustomize", str(folder)]
    return parse(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
