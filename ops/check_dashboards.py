#!/usr/bin/python3
"""Parses every dashboard with Grafana's own models: check_dashboards.py FOLDER, with the SDK in PYTHONPATH.

The models drop unknown keys when they serialise a dashboard again. This detects keys that Grafana would silently ignore,
such as a misspelt option, and unknown kinds of panels.
"""

import json
import pathlib
import sys

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard


def round_trip(dashboard):
    """Returns the dashboard after parsing and serialising it."""
    return json.loads(JSONEncoder(sort_keys=True).encode(Dashboard.from_json(dashboard)))


def lost_values(before, after, path):
    """Yields the paths of dropped or changed values. An `id` of null means a new dashboard and is dropped."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key, value in before.items():
            if key in after:
                yield from lost_values(value, after[key], f"{path}.{key}")
            elif value is not None:
                yield f"{path}.{key}"
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (one, other) in enumerate(zip(before, after)):
            yield from lost_values(one, other, f"{path}[{number}]")
    elif before != after:
        yield path


def main(folder):
    """Returns the exit code."""
    register_default_plugins()
    wrong = []
    for file in sorted(pathlib.Path(folder).glob("*.json")):
        dashboard = json.loads(file.read_text(encoding="utf-8"))
        wrong += lost_values(dashboard, round_trip(dashboard), file.stem)
        # Check the check: models that accepted any key would detect nothing.
        dashboard["panels"][1]["options"]["misspelt"] = True
        if not list(lost_values(dashboard, round_trip(dashboard), file.stem)):
            wrong.append(f"{file.stem}: a misspelt option is not detected")
    for place in wrong:
        print(f"Grafana does not know {place}", file=sys.stderr)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
