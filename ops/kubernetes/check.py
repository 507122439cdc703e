#!/usr/bin/python3
"""Checks the overlays in k8s/ without a cluster: check.py TOOLS, the folder with kubectl and the schemas.

Renders each overlay, and combinations of components that no overlay has; checks each object against its schema, and all of them
against the policies in policy.py, references.py and flows.py. Then breaks them, and expects each break to be found: see mutations.py.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

import cloudrun
import expected
import flows
import kafka
import mutations
import policy
import references
import routes
import security
import settings
import values
from objects import Objects, parse, render
from schemas import Schemas

ROOT = pathlib.Path(__file__).resolve().parents[2]
# The components of an overlay, by its name, which is also that of its Secrets.
OVERLAYS = {"local": expected.LOCAL, "production": expected.PRODUCTION}
# Base and its components, components in addition, and whose Secrets it uses.
COMBINATIONS = {
    "local, scaled by lag and watched": ("k8s/overlays/local", expected.LOCAL, ["keda", "monitoring"], "local"),
    "production with an authority of its own": ("k8s/overlays/production", expected.PRODUCTION, ["private-ca"], "production"),
    "two doors": ("k8s/base", [], ["mongodb", "redis", "seaweedfs", "kafka-strimzi", "gateway", "split", "monitoring"], "local"),
}
PRODUCTION = {
    "JORNADA_STORE": "mongodb://jornada:secret@db.example.org:27017/jornada?tls=true",
    "JORNADA_CACHE": "rediss://:secret@cache.example.org:6380/",
    "AWS_ACCESS_KEY_ID": "key",
    # Each character that YAML could take for something else.
    "AWS_SECRET_ACCESS_KEY": "a\"b\\\\c: #$d'e%",
}


def read_secrets(overlay, **changed):
    """Returns the Secrets that k8s/secrets.sh creates: the data of each."""
    command = ["bash", str(ROOT / "k8s/secrets.sh"), "--print", overlay]
    printed = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ | PRODUCTION | changed)
    return parse(printed.stdout)


def combine(kubectl, base, components):
    """Renders a base with components."""
    with tempfile.TemporaryDirectory(prefix="jornada-kustomize-", dir=ROOT / "k8s/overlays") as folder:
        lines = ["resources:", f"  - {os.path.relpath(ROOT / base, folder)}", "components:"]
        lines += [f"  - ../../components/{name}" for name in components]
        lines += ["namespace: jornada", ""]
        pathlib.Path(folder, "kustomization.yaml").write_text("\n".join(lines), encoding="utf-8")
        return render(kubectl, folder)


def find_errors(items, secrets, components):
    """Yields what is wrong with the objects of an overlay, apart from their schemas."""
    missing = list(expected.errors(items, components))
    yield from missing
    if missing:
        return
    objects = Objects(items)
    for check in (*values.CHECKS, *policy.CHECKS, *references.CHECKS, *routes.CHECKS, *security.CHECKS):
        yield from check(objects)
    for check in (*references.CHECKS_WITH_SECRETS, *settings.CHECKS_WITH_SECRETS, *kafka.CHECKS_WITH_SECRETS):
        yield from check(objects, secrets)
    # The slowest.
    yield from flows.network(objects)


def schema_errors(item, schemas):
    """Yields what is wrong with one object alone."""
    for error in (*schemas.errors(item), *values.forms(item)):
        yield f"{item.get('kind')} {item.get('metadata', {}).get('name')}: {error}"


def break_errors(items, secrets, schemas, name):
    """Yields the ways to break an overlay that are not found."""

    def find(broken, item):
        errors = list(schema_errors(item, schemas))
        # What is no object of its kind cannot be checked further.
        return errors or find_errors(broken, secrets, OVERLAYS[name])

    return mutations.missed(items, find, name)


def files_left_out(items):
    """Yields campaigns and dashboards that are in no ConfigMap."""
    for folder, kinds in (("campaigns", (".toml", ".csv")), ("grafana/dashboards", (".json",))):
        for file in (ROOT / folder).iterdir():
            texts = [item["data"].get(file.name) for item in items if item["kind"] == "ConfigMap"]
            if file.suffix in kinds and file.read_text(encoding="utf-8") not in texts:
                yield f"{folder}/{file.name} is in no ConfigMap"


def secrets_changed(items):
    """Yields values that the script did not pass on as they were, or did not refuse."""
    for value in ("a\nb", "a\tb", "a\x1bb"):
        try:
            read_secrets("production", JORNADA_STORE=value)
            yield f"k8s/secrets.sh takes {value!r} as a value"
        except subprocess.CalledProcessError:
            pass
    found = next(item["stringData"] for item in items if item["metadata"]["name"] == "jornada")
    for name, value in PRODUCTION.items():
        if found[name] != value:
            yield f"k8s/secrets.sh: {name} is {found[name]}, not {value}"


def main(tools):
    """Returns the exit code."""
    kubectl, schemas = f"{tools}/kubectl", Schemas(tools)
    rendered = {name: (render(kubectl, ROOT / "k8s/overlays" / name), parts, name) for name, parts in OVERLAYS.items()}
    rendered |= {name: (combine(kubectl, base, more), [*parts, *more], own) for name, (base, parts, more, own) in COMBINATIONS.items()}
    wrong, count = [], 0
    for name, (items, components, own) in rendered.items():
        objects = read_secrets(own)
        secrets = {item["metadata"]["name"]: item["stringData"] for item in objects}
        errors = [error for item in [*items, *objects] for error in schema_errors(item, schemas)]
        errors += find_errors(items, secrets, components)
        if name in OVERLAYS:
            errors += break_errors(items, secrets, schemas, name)
        wrong += [f"{name}: {error}" for error in errors]
        count += len(items)
    wrong += cloudrun.errors(ROOT / "k8s/cloudrun", schemas)
    wrong += files_left_out(rendered["production"][0])
    wrong += secrets_changed(read_secrets("production"))
    for error in wrong:
        print(error, file=sys.stderr)
    print(f"{count} objects of {len(rendered)} overlays, {mutations.COUNT} ways to break them")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
