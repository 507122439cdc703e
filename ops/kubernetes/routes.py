"""The Gateway and its routes: each check yields what is wrong."""


import re
from urllib.parse import urlsplit

from settings import ROOT

PORTS = {"HTTP": 80, "HTTPS": 443}
PROTO = (ROOT / "proto/jornada/v1/votes.proto").read_text(encoding="utf-8")
VOTES = ".".join(re.search(rf"(?m)^{word} ([\w.]+)", PROTO).group(1) for word in ("package", "service"))
GRPC = {VOTES, "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"}


def listeners(objects):
    """Each name with TLS can be proved over plain HTTP (HTTP-01), by which cert-manager gets its certificate."""
    for gateway in objects.of("Gateway"):
        found = gateway["spec"]["listeners"]
        plain = {one["hostname"] for one in found if (one["protocol"], one["port"]) == ("HTTP", 80)}
        if "cert-manager.io/cluster-issuer" not in gateway["metadata"].get("annotations", {}):
            yield f"Gateway {gateway['metadata']['name']}: no issuer of its certificates"
        for one in found:
            if one["allowedRoutes"]["namespaces"]["from"] != "Same":
                yield f"Gateway {gateway['metadata']['name']}: takes routes of other namespaces"
            if PORTS.get(one["protocol"]) != one["port"]:
                yield f"Gateway {gateway['metadata']['name']}: {one['protocol']} on port {one['port']}"
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
            elif (listeners[0]["protocol"] == "HTTP") != redirects(route):
                yield f"{name}: plain HTTP redirects to https, and nothing else does"
        for rule in route["spec"]["rules"]:
            yield from backends(objects, name, rule)
    hosts = {kind: {host for route in objects.of(kind) for host in route["spec"]["hostnames"]} for kind in ("HTTPRoute", "GRPCRoute")}
    for host in hosts["HTTPRoute"] & hosts["GRPCRoute"]:
        yield f"HTTPRoute and GRPCRoute share the host {host}: a Gateway takes only one of them"


def redirects(route):
    """Returns whether all rules of a route redirect to https."""
    filters = [one for rule in route["spec"]["rules"] for one in rule.get("filters", [{}])]
    return all(one.get("requestRedirect", {}).get("scheme") == "https" for one in filters)


def site(objects):
    """The site has the host of its links, its answers tell browsers to stay with TLS, and may take long; the API has its services."""
    route = objects.find("HTTPRoute", "site")
    if route is None:
        return
    url = urlsplit(next(item["data"]["JORNADA_PUBLIC_URL"] for item in objects.of("ConfigMap") if "JORNADA_PUBLIC_URL" in item["data"]))
    if url.scheme == "https" and url.hostname not in route["spec"]["hostnames"]:
        yield f"HTTPRoute site: not for the host of JORNADA_PUBLIC_URL, {url.hostname}"
    for rule in route["spec"]["rules"]:
        if "Strict-Transport-Security" not in str(rule.get("filters")):
            yield "HTTPRoute site: no Strict-Transport-Security"
        if rule.get("timeouts", {}).get("request") != "0s":
            yield "HTTPRoute site: lists and live results are cut off: timeouts.request"
    called = {match.get("method", {}).get("service") for item in objects.of("GRPCRoute") for rule in item["spec"]["rules"]
              for match in rule.get("matches", [])}
    if called != GRPC:
        yield f"GRPCRoute votes: its services are not {', '.join(sorted(GRPC))}"


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
    has_nginx = objects.find("Deployment", "nginx") is not None
    for backend in rule.get("backendRefs", []):
        if has_nginx and backend["name"] != "nginx":
            yield f"{name}: passes by nginx, which limits clients"
        if backend.get("weight", 1) < 1:
            yield f"{name}: no requests for {backend['name']}: weight"
        service = objects.find("Service", backend["name"])
        ports = [port for port in (service or {"spec": {"ports": []}})["spec"]["ports"] if port["port"] == backend["port"]]
        if not ports:
            yield f"{name}: no port {backend['port']} of Service {backend['name']}"
        elif (ports[0]["name"] == "grpc") != name.startswith("GRPCRoute"):
            yield f"{name}: port {backend['port']} of Service {backend['name']} speaks another protocol"
    if not rule.get("backendRefs"):
        yield f"{name}: a rule without backend"


CHECKS = (listeners, routes, site)
