#!/usr/bin/python3
"""Proves that the cases of prometheus/tests/ would notice a broken alert: check_alerts.py PROMETHEUS_FOLDER

Every alert is broken in two ways, so that it never fires and so that it always does; promtool must fail over each.
An alert without a case is found by this as well. Needs Debian's prometheus and python3-yaml.
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
    """Tells whether the cases in this copy of the folder succeed, of those files that have the word."""
    cases = [str(path) for path in (folder / "tests").glob("*.yml") if word in path.read_text()]
    # promtool without a file fails, too.
    return not cases or subprocess.run(["promtool", "test", "rules", *cases], capture_output=True, check=False).returncode == 0


def alerts(rules):
    """Yields every alert of a rules file."""
    for group in rules["groups"]:
        yield from (rule for rule in group["rules"] if "alert" in rule)


def break_each(folder):
    """Yields the names of alerts that can be broken without any case noticing, and how."""
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


def main(source):
    """Works on a copy; returns the exit code."""
    with tempfile.TemporaryDirectory() as work:
        folder = pathlib.Path(work) / "prometheus"
        shutil.copytree(source, folder)
        if not passes(folder):
            print(f"the cases fail by themselves: promtool test rules {source}/tests/*.yml", file=sys.stderr)
            return 1
        unnoticed = list(break_each(folder))
    for alert, expression in unnoticed:
        print(f"no case notices that {alert} is `{expression}`", file=sys.stderr)
    return bool(unnoticed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
