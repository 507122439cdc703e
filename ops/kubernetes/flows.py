"""Connections that the policies of the network allow, on a model, compared with those that are needed."""

import dataclasses
import ipaddress
import itertools

from objects import matches

NAMESPACE = "jornada"


@dataclasses.dataclass(frozen=True)
class Peer:
    """A pod, or an address outside the cluster."""

    name: str
    namespace: str = ""
    labels: tuple = ()
    address: str = ""

    @property
    def is_ours(self):
        """Whether policies of the namespace apply to it."""
        return self.namespace == NAMESPACE


OUTSIDE = [
    Peer("dns", "kube-system", (("k8s-app", "kube-dns"),)),
    Peer("node-local-dns", "kube-system", (("k8s-app", "node-local-dns"),)),
    Peer("system", "kube-system", (("k8s-app", "other"),)),
    Peer("gateway", "envoy-gateway-system"),
    Peer("prometheus", "monitoring", (("app.kubernetes.io/name", "prometheus"),)),
    Peer("loki", "monitoring", (("app.kubernetes.io/name", "loki"),)),
    Peer("keda", "keda"),
    Peer("stranger", "other", (("app.kubernetes.io/component", "serve"),)),
    Peer("node-dns", address="169.254.20.10"),
    Peer("metadata", address="169.254.169.254"),
    Peer("private", address="10.1.2.3"),
    Peer("internet", address="203.0.113.9"),
    Peer("internet-6", address="2001:db8::9"),
]
# A cluster has one or two of them.
DNS = ("dns", "node-local-dns", "node-dns", "metadata")
INTERNET = ("internet", "internet-6")
# Pods that cert-manager starts for a moment.
ACME_SOLVER = {"acme.cert-manager.io/http01-solver": "true"}
# Ports that nobody needs, besides all that pods have and policies name.
OTHER_PORTS = {22, 80, 8080, 10250}


def peers(objects):
    """Returns the pods of the overlay, those of Strimzi among them, and the peers outside."""
    own = [Peer(pod.component, NAMESPACE, tuple(pod.labels.items())) for pod in objects.pods()]
    for kafka in objects.of("Kafka"):
        name = kafka["metadata"]["name"]
        for part in ("kafka", "entity-operator"):
            labels = {"strimzi.io/cluster": name, "strimzi.io/name": f"{name}-{part}", "strimzi.io/kind": "Kafka"}
            own.append(Peer(part, NAMESPACE, tuple(labels.items())))
    if objects.of("Gateway"):
        own.append(Peer("acme", NAMESPACE, tuple(ACME_SOLVER.items())))
    return own + OUTSIDE


def fits_peer(rule, peer):
    """Returns whether a `from` or `to` of a policy matches a peer."""
    if "ipBlock" in rule:
        block = rule["ipBlock"]
        if not peer.address:
            return False
        address = ipaddress.ip_address(peer.address)
        inside = [address in ipaddress.ip_network(one) for one in [block["cidr"], *block.get("except", [])]]
        return inside[0] and not any(inside[1:])
    if peer.address:
        return False
    if "namespaceSelector" in rule:
        if not matches(rule["namespaceSelector"], {"kubernetes.io/metadata.name": peer.namespace}):
            return False
    elif not peer.is_ours:
        return False
    return matches(rule.get("podSelector"), dict(peer.labels))


def fits_port(rule, port):
    """Returns whether one of `ports` of a policy matches a port: number and protocol."""
    return rule.get("protocol", "TCP") == port[1] and rule["port"] <= port[0] <= rule.get("endPort", rule["port"])


def permits(policies, direction, subject, other, port):
    """Returns whether the policies of one side permit a connection."""
    own = [policy for policy in policies
           if direction in policy["policyTypes"] and matches(policy["podSelector"], dict(subject.labels))]
    if not own:
        return True
    word = "from" if direction == "Ingress" else "to"
    rules = [rule for policy in own for rule in policy.get(direction.lower(), [])]
    return any(
        (not rule.get(word) or any(fits_peer(one, other) for one in rule[word]))
        and (not rule.get("ports") or any(fits_port(one, port) for one in rule["ports"]))
        for rule in rules
    )


def of_strimzi(objects):
    """Yields the policies that Strimzi makes for the listeners of Kafka: without peers anyone may connect."""
    for kafka in objects.of("Kafka"):
        for listener in kafka["spec"]["kafka"]["listeners"]:
            yield {
                "podSelector": {"matchLabels": {"strimzi.io/name": f"{kafka['metadata']['name']}-kafka"}},
                "policyTypes": ["Ingress"],
                "ingress": [{"from": listener.get("networkPolicyPeers"), "ports": [{"port": listener["port"]}]}],
            }


def allowed(objects):
    """Returns the allowed connections (client, server, number and protocol of the port), and those that only one side allows."""
    policies = [item["spec"] for item in objects.of("NetworkPolicy")] + list(of_strimzi(objects))
    ports = {(port["port"], port.get("protocol", "TCP")) for policy in policies for direction in ("ingress", "egress")
             for rule in policy.get(direction, []) for port in rule.get("ports", [])}
    ports |= {(number, "TCP") for number in OTHER_PORTS.union(*(pod.ports().values() for pod in objects.pods()))}
    found, half = set(), set()
    for client, server in itertools.product(peers(objects), repeat=2):
        if not client.is_ours and not server.is_ours or client.address and not server.is_ours:
            continue
        for port in ports:
            leaves = not client.is_ours or permits(policies, "Egress", client, server, port)
            enters = not server.is_ours or permits(policies, "Ingress", server, client, port)
            if leaves and enters:
                found.add((client.name, server.name, port))
            elif client.is_ours and server.is_ours and (leaves or enters):
                half.add((client.name, server.name, port))
    return found, half


def cross(clients, servers, ports):
    """Returns all connections of clients to servers."""
    return set(itertools.product(clients, servers, [(port, "TCP") for port in ports]))


def needed(objects):
    """Returns the connections that the parts of an overlay need."""
    own = [peer.name for peer in peers(objects) if peer.is_ours]
    doors = [name for name in ("serve", "serve-direct") if name in own]
    program = [*doors, "consume", "prepare", "sweep"]
    flows = cross(own, DNS, [53]) | set(itertools.product(own, DNS, [(53, "UDP")])) | cross(["watch"], ["serve", "consume"], [4100])
    flows |= cross(["watch"], INTERNET, [25, 465, 587])
    if "mongodb" in own:
        flows |= cross([*program, "mongodb", "mongodb-init"], ["mongodb"], [27017])
        flows |= cross([*doors, "watch"], ["redis"], [6379]) | cross([*doors, "sweep"], ["seaweedfs"], [8333])
    else:
        stores = ["private", *INTERNET]
        flows |= cross(program, stores, [27017]) | cross([*doors, "watch"], stores, [6378, 6379, 6380])
        flows |= cross([*doors, "sweep"], stores, [443])
    if "kafka" in own:
        flows |= cross(["serve", "consume", "prepare"], ["kafka"], [9092])
        flows |= cross(["kafka", "entity-operator"], ["kafka"], [9090, 9091])
        flows |= cross(["entity-operator"], ["private", *INTERNET, "node-dns"], [443, 6443, 8443])
    if objects.of("ScaledObject"):
        flows |= cross(["keda"], ["kafka"], [9092])
    if "acme" in own:
        flows |= cross(["gateway"], ["acme"], [8089])
    if "nginx" in own:
        flows |= cross(["gateway"], ["nginx"], [8080, 8050]) | cross(["nginx"], ["serve"], [4000, 4050])
        flows |= cross(["watch"], ["nginx"], [8080])
    elif objects.of("Gateway"):
        flows |= cross(["gateway"], doors, [4000, 4050])
    if objects.of("PodMonitor"):
        flows |= cross(["prometheus"], [*doors, "consume"], [4100]) | cross(["prometheus"], ["watch"], [4200])
        flows |= cross([*doors, "consume", "watch"], ["loki"], [3100])
    return flows


def network(objects):
    """The policies allow what is needed and nothing else."""
    (found, half), wanted = allowed(objects), needed(objects)
    for client, server, (port, protocol) in sorted(wanted - found):
        yield f"{client} cannot connect to port {port} of {server} by {protocol}"
    for client, server, (port, protocol) in sorted((found | half) - wanted):
        # Egress to an address that leads nowhere in particular, such as the DNS of the node, is as for any other.
        if server != "node-dns":
            yield f"{client} may connect to port {port} of {server} by {protocol}, and does not need it"

