#!/usr/bin/python3
"""Checks that files name the versions of ops/pins.txt, and rules that docker-compose.yml must keep: check_pins.py

The rules: each image is in the list; one service builds; no file is mounted alone, no network shared, no start dependent on
another service; every folder in memory has an owner. Needs Debian's python3-yaml.
"""

import pathlib
import re
import sys

import yaml

COMPOSE = "docker-compose.yml"


def pins():
    """Yields kind, version and file of each line."""
    for line in pathlib.Path("ops/pins.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            kind, rest = line.split(None, 1)
            version, file = rest.rsplit(None, 1)
            yield kind, version.strip(), file


def wrong_pins():
    """Yields what the files and the list do not agree in."""
    listed = set()
    for kind, version, file in pins():
        listed.add(version)
        if version not in pathlib.Path(file).read_text(encoding="utf-8"):
            yield f"{file} does not name {kind} {version} of ops/pins.txt"
    named = re.findall(r"^\s+image: (\S+)$", pathlib.Path(COMPOSE).read_text(encoding="utf-8"), re.M)
    named += re.findall(r"^FROM (\S+:\S+)", pathlib.Path("Dockerfile").read_text(encoding="utf-8"), re.M)
    for file in pathlib.Path("k8s/components").glob("**/*.yaml"):
        named += re.findall(r"^\s+image: (\S+:\S+)$", file.read_text(encoding="utf-8"), re.M)
    yield from (f"ops/pins.txt lacks {image}" for image in sorted(set(named) - listed))


def broken_rules(services):
    """Yields the rules that a service breaks."""
    if [name for name, service in services.items() if "build" in service] != ["app1"]:
        yield "app1, and only app1, builds the image"
    for name, service in services.items():
        for key in ("network_mode", "depends_on"):
            if key in service:
                yield f"{name} has {key}"
        for volume in service.get("volumes", []):
            source = volume.replace("${STACK_FILES:-./data/docker}", "files").split(":")[0]
            if pathlib.PurePath(source).suffix:
                yield f"{name} mounts the file {source} alone"
        for folder in service.get("tmpfs", []):
            if "uid=" not in folder or "gid=" not in folder:
                yield f"{name} has a folder in memory without an owner: {folder}"
        if "no-new-privileges:true" not in service.get("security_opt", []) and name != "kafka":
            yield f"{name} may gain privileges"


def main():
    """Prints what is wrong; returns the exit code."""
    services = yaml.safe_load(pathlib.Path(COMPOSE).read_text(encoding="utf-8"))["services"]
    wrong = [*wrong_pins(), *broken_rules(services)]
    for line in wrong:
        print(line, file=sys.stderr)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
