#!/usr/bin/python3
"""Reads every dashboard with Grafana's own models: check_dashboards.py FOLDER, with the SDK in PYTHONPATH.

What the models do not know is lost when they write it again; so a key that Grafana would pass over in silence, such as
a misspelt option, is found. Kinds of panels that they do not know are found as well.
"""

import json
import pathlib
import sys

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard


def written_again(dashboard):
    """Returns what the models make of it."""
    return json.loads(JSONEncoder(sort_keys=True).encode(Dashboard.from_json(dashboard)))


def lost(before, after, place):
    """Yields the places of what was not kept. An `id` of null means a new dashboard, and is left out."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key, value in before.items():
            if key in after:
                yield from lost(value, after[key], f"{place}.{key}")
            elif value is not None:
                yield f"{place}.{key}"
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (one, other) in enumerate(zip(before, after)):
            yield from lost(one, other, f"{place}[{number}]")
    elif before != after:
        yield place


def main(folder):
    """Returns the exit code."""
    register_default_plugins()
    wrong = []
    for path in sorted(pathlib.Path(folder).glob("*.json")):
        dashboard = json.loads(path.read_text(encoding="utf-8"))
        wrong += lost(dashboard, written_again(dashboard), path.stem)
        # Models that keep anything would prove nothing.
        dashboard["panels"][1]["options"]["misspelt"] = True
        if not list(lost(dashboard, written_again(dashboard), path.stem)):
            wrong.append(f"{path.stem}: a misspelt option is not found")
    for place in wrong:
        print(f"Grafana does not know {place}", file=sys.stderr)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
