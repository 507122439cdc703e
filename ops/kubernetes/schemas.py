"""Schemas of all kinds of objects in k8s/: they refuse unknown fields."""

import functools
import json
import pathlib
import re

import jsonschema
import yaml

from typescript import Declarations

BASE = "file:///definitions.json"
TYPES = {
    ("gateway.networking.k8s.io/v1", "Gateway"): "IIoK8sSigsGatewayApiApisV1Gateway",
    ("gateway.networking.k8s.io/v1", "HTTPRoute"): "IIoK8sSigsGatewayApiApisV1HTTPRoute",
    ("gateway.networking.k8s.io/v1", "GRPCRoute"): "IIoK8sSigsGatewayApiApisV1GRPCRoute",
    ("keda.sh/v1alpha1", "ScaledObject"): "IComGithubKedacoreKedaV2ApisKedaV1alpha1ScaledObject",
    ("monitoring.coreos.com/v1", "PodMonitor"): "IComGithubPrometheusOperatorPrometheusOperatorPkgApisMonitoringV1PodMonitor",
    ("monitoring.coreos.com/v1", "PrometheusRule"): "IComGithubPrometheusOperatorPrometheusOperatorPkgApisMonitoringV1PrometheusRule",
    ("serving.knative.dev/v1", "Service"): "IDevKnativeServingPkgApisServingV1Service",
}
# Cloud Run's worker pools are not Knative: like its Service, without what serves requests.
WORKER_POOL = ("run.googleapis.com/v1", "WorkerPool")


class Schemas:
    """Finds the schema of an object by its version and kind."""

    def __init__(self, tools):
        tools = pathlib.Path(tools)
        file = tools / "kubernetes-schemas" / "_definitions.json"
        definitions = json.loads(file.read_text(encoding="utf-8"))["$defs"]
        core = {re.sub(r"[^a-z0-9]", "", name.lower()): f"{BASE}#/$defs/{name}" for name in definitions}
        self.core = core
        self.store = {BASE: {"$defs": definitions}}

        def core_definition(reference):
            text = json.dumps(definitions[reference.rpartition("/")[2]])
            schema = json.loads(text.replace('"#/$defs/', f'"{BASE}#/$defs/'))
            for part in schema["properties"].values():
                part["x-core"] = True
            return schema

        self.declarations = Declarations([tools / "kubernetes-types"], core, core_definition)
        self.strimzi = {}
        for file in (tools / "strimzi").glob("*.yaml"):
            crd = yaml.load(file.read_text(encoding="utf-8"), yaml.CSafeLoader)["spec"]
            for version in crd["versions"]:
                key = f"{crd['group']}/{version['name']}", crd["names"]["kind"]
                self.strimzi[key] = with_metadata(strict(version["schema"]["openAPIV3Schema"]), core)

    @functools.lru_cache(maxsize=None)
    def validator(self, version, kind):
        """Returns the validator, or `None` for an unknown kind."""
        group = "core.v1" if version == "v1" else version.replace(".k8s.io", "").replace("/", ".")
        name = f"io.k8s.api.{group}.{kind}"
        if re.sub(r"[^a-z0-9]", "", name.lower()) in self.core:
            schema = {"$ref": f"{BASE}#/$defs/{name}"}
        elif (version, kind) in TYPES:
            schema = self.declarations.schema(TYPES[version, kind])
        elif (version, kind) == WORKER_POOL:
            schema = self.declarations.schema(TYPES["serving.knative.dev/v1", "Service"])
            schema = json.loads(json.dumps(schema).replace('"serving.knative.dev/v1"', '"run.googleapis.com/v1"'))
            schema["definitions"][TYPES["serving.knative.dev/v1", "Service"]]["properties"]["kind"] = {"const": kind}
        elif (version, kind) in self.strimzi:
            schema = self.strimzi[version, kind]
        else:
            return None
        resolver = jsonschema.RefResolver("", schema, store=self.store)
        return jsonschema.Draft202012Validator(schema, resolver=resolver)

    def errors(self, item):
        """Yields what is wrong with an object."""
        validator = self.validator(item.get("apiVersion", ""), item.get("kind", ""))
        if validator is None:
            yield f"no schema for {item.get('apiVersion')} {item.get('kind')}"
            return
        for error in validator.iter_errors(item):
            yield f"{'.'.join(map(str, error.absolute_path))}: {error.message[:200]}"


def strict(schema):
    """Refuses unknown fields wherever a schema names fields and nothing preserves others."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {key: strict(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and not schema.get("x-kubernetes-preserve-unknown-fields"):
        schema.setdefault("additionalProperties", False)
    if schema.get("x-kubernetes-int-or-string"):
        schema.pop("type", None)
    return schema


def with_metadata(schema, core):
    """Sets the fields that every object has."""
    schema["properties"] |= {
        "apiVersion": {"type": "string"},
        "kind": {"type": "string"},
        "metadata": {"$ref": core["iok8sapimachinerypkgapismetav1objectmeta"]},
    }
    return schema
