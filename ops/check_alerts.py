#!/usr/bin/python3
"""Checks that the cases of prometheus/tests/ detect a broken alert: check_alerts.py PROMETHEUS_FOLDER

Every alert is broken in two ways: it never fires, or it always fires. promtool must fail for each. This also detects
alerts without a case. Each recorded series must be used by a rule or a dashboard. Needs Debian's prometheus and python3-yaml.
"""

import pathlib
import shutil
import subprocess
import sys
import tempfile

import yaml

NEVER = "vector(1) > 2"
ALWAYS = "vector(1)"


def passes(folder, word=""):
    """Returns whether the cases in this copy of the folder succeed; only of files that contain the word."""
    cases = [str(path) for path in (folder / "tests").glob("*.yml") if word in path.read_text()]
    # promtool without a file fails.
    return not cases or subprocess.run(["promtool", "test", "rules", *cases], capture_output=True, check=False).returncode == 0


def alerts(rules):
    """Yields every alert of a rules file."""
    for group in rules["groups"]:
        yield from (rule for rule in group["rules"] if "alert" in rule)


def break_each(folder):
    """Yields the alerts that can be broken without any case failing, with the expression."""
    for path in sorted((folder / "rules").glob("*.yml")):
        rules = yaml.safe_load(path.read_text())
        for alert in alerts(rules):
            right = alert["expr"]
            for expression in NEVER, ALWAYS:
                alert["expr"] = expression
                path.write_text(yaml.safe_dump(rules))
                if passes(folder, alert["alert"]):
                    yield alert["alert"], expression
            alert["expr"] = right
            path.write_text(yaml.safe_dump(rules))


def unused_records(source):
    """Yields the recorded series that no alert, no other rule and no dashboard names."""
    texts = [path.read_text() for path in (*source.glob("rules/*.yml"), *source.glob("../grafana/dashboards/*.json"))]
    for rules in map(yaml.safe_load, texts[: len(list(source.glob("rules/*.yml")))]):
        for name in (rule["record"] for group in rules["groups"] for rule in group["rules"] if "record" in rule):
            # Its own rule names it once.
            if sum(text.count(name) for text in texts) < 2:
                yield name


def main(source):
    """Works on a copy; returns the exit code."""
    with tempfile.TemporaryDirectory() as work:
        folder = pathlib.Path(work) / "prometheus"
        shutil.copytree(source, folder)
        if not passes(folder):
            print(f"the cases fail without any change: promtool test rules {source}/tests/*.yml", file=sys.stderr)
            return 1
        undetected = list(break_each(folder))
    unused = list(unused_records(pathlib.Path(source)))
    for alert, expression in undetected:
        print(f"no case fails if {alert} is `{expression}`", file=sys.stderr)
    for name in unused:
        print(f"nothing uses the recorded series {name}", file=sys.stderr)
    return bool(undetected or unused)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
