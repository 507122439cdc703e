#!/usr/bin/python3
"""Runs k8s/rollout.sh and k8s/secrets.sh with the real kubectl, against an API of a cluster in memory: rollout.py TOOLS.

Every overlay must be applied whole, stores first, then the Job `prepare`, then the roles; and a step that fails must stop it. The
passwords in different Secrets must agree, also when the script was interrupted.
"""

import sys

from cluster import ROOT, Cluster, run
from objects import Objects, render

OVERLAYS = ("local", "production")
ROLES = ("serve", "consume", "watch", "nginx")


def roll_out(tools, overlay, items, **case):
    """Returns the exit code, the messages, the objects in the order of their creation."""
    cluster = Cluster(items, **case)
    return *run(cluster, tools, "k8s/rollout.sh", f"k8s/overlays/{overlay}"), cluster.order


def rollouts(tools):
    """Yields what is wrong with rollout.sh."""
    for overlay in OVERLAYS:
        items = render(f"{tools}/kubectl", ROOT / "k8s/overlays" / overlay)
        code, output, order = roll_out(tools, overlay, items)
        if code:
            yield f"{overlay}: rollout.sh ends with {code}: {output[-600:]}"
            continue
        left_out = {f"{item['kind']} {item['metadata']['name']}" for item in items} - set(order)
        if left_out:
            yield f"{overlay}: rollout.sh does not apply {', '.join(sorted(left_out))}"
        place = order.index("Job prepare")
        for pod in Objects(items).pods():
            is_late = order.index(pod.name) > place
            if pod.component != "prepare" and is_late != (pod.labels["app.kubernetes.io/name"] in ("jornada", "nginx")):
                yield f"{overlay}: rollout.sh applies {pod.name} {'after' if is_late else 'before'} the Job prepare"
    for case in ({"job": "Failed"}, {"broken": "Deployment"}):
        code, _, order = roll_out(tools, "production", items, **case)
        roles = [name for name in order if name.split()[1] in ROLES and name.split()[0] in ("Deployment", "StatefulSet")]
        if code == 0 or roles:
            yield f"production, {case}: rollout.sh ends with {code}, having applied {roles}"


def secrets(tools):
    """Yields what is wrong with secrets.sh."""
    kinds = [{"apiVersion": "v1", "kind": kind} for kind in ("Namespace", "Secret")]
    cluster = Cluster(kinds)
    code, output = run(cluster, tools, "k8s/secrets.sh", "local")
    made = {path.rpartition("/")[2]: item.get("stringData", {}) for path, item in cluster.stored.items()}
    if code or made["mongodb"]["PASSWORD"] not in made["jornada"]["JORNADA_STORE"]:
        yield f"secrets.sh ends with {code}: {output[-600:]}"
        return
    if cluster.order.index("Secret jornada") < max(cluster.order.index(f"Secret {name}") for name in ("mongodb", "redis")):
        yield "secrets.sh creates the Secret jornada before those whose passwords it repeats"
    for name in ("mongodb", "jornada"):
        again = Cluster(kinds)
        again.stored = {path: item for path, item in cluster.stored.items() if path.rpartition("/")[2] != name}
        if run(again, tools, "k8s/secrets.sh", "local")[0] == 0:
            yield f"secrets.sh makes other passwords when only the Secret {name} is missing"


if __name__ == "__main__":
    wrong = [*rollouts(sys.argv[1]), *secrets(sys.argv[1])]
    for one in wrong:
        print(one, file=sys.stderr)
    sys.exit(bool(wrong))
