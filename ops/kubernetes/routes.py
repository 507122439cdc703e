"""The Gateway and its routes: each check yields what is wrong."""


def listeners(objects):
    """Each name with TLS can be proved over plain HTTP (HTTP-01), by which cert-manager gets its certificate."""
    for gateway in objects.of("Gateway"):
        found = gateway["spec"]["listeners"]
        plain = {one["hostname"] for one in found if (one["protocol"], one["port"]) == ("HTTP", 80)}
        for one in found:
            if one["protocol"] == "HTTPS" and one["hostname"] not in plain:
                yield f"Gateway {gateway['metadata']['name']}: no listener on port 80 for {one['hostname']}: no certificate by HTTP-01"


def routes(objects):
    """Routes lead from listeners of their host to ports of Services."""
    for route in objects.of("HTTPRoute", "GRPCRoute"):
        name = f"{route['kind']} {route['metadata']['name']}"
        for parent in route["spec"]["parentRefs"]:
            gateway = objects.find("Gateway", parent["name"])
            listeners = [one for one in (gateway or {"spec": {"listeners": []}})["spec"]["listeners"]
                         if one["name"] == parent["sectionName"]]
            if not listeners:
                yield f"{name}: no listener {parent['sectionName']} of Gateway {parent['name']}"
            elif listeners[0]["hostname"] not in route["spec"]["hostnames"]:
                yield f"{name}: its listener is for another host"
        for rule in route["spec"]["rules"]:
            yield from backends(objects, name, rule)
    hosts = {kind: {host for route in objects.of(kind) for host in route["spec"]["hostnames"]} for kind in ("HTTPRoute", "GRPCRoute")}
    for host in hosts["HTTPRoute"] & hosts["GRPCRoute"]:
        yield f"HTTPRoute and GRPCRoute share the host {host}: a Gateway takes only one of them"


def backends(objects, name, rule):
    """Checks the backends of a rule of a route."""
    filters = rule.get("filters", [])
    if any(one["type"] == "RequestRedirect" for one in filters):
        return
    for one in filters:
        if set(one) != {"type", one["type"][0].lower() + one["type"][1:]}:
            yield f"{name}: a filter of type {one['type']} has other fields: {', '.join(one)}"
    removed = [header for one in filters for header in one.get("requestHeaderModifier", {}).get("remove", [])]
    if "X-Client-Address" not in removed:
        yield f"{name}: clients can send X-Client-Address"
    for backend in rule.get("backendRefs", []):
        service = objects.find("Service", backend["name"])
        ports = [port for port in (service or {"spec": {"ports": []}})["spec"]["ports"] if port["port"] == backend["port"]]
        if not ports:
            yield f"{name}: no port {backend['port']} of Service {backend['name']}"
        elif (ports[0]["name"] == "grpc") != name.startswith("GRPCRoute"):
            yield f"{name}: port {backend['port']} of Service {backend['name']} speaks another protocol"
    if not rule.get("backendRefs"):
        yield f"{name}: a rule without backend"


CHECKS = (listeners, routes)
