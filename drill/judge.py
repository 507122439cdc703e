#!/usr/bin/python3
"""Prints one line of the drill's table and checks the goals: judge.py NAME GOAL SUMMARY FINDINGS

SUMMARY and FINDINGS are files with the output of `jornada load run` and `jornada load verify`. In every drill nothing may
be lost, duplicated or altered, each photo must be readable and the chart correct. GOAL is an additional goal: `kept` none;
`served` no attempt failed; `silence-N` never more than N ms without a receipt. Without arguments it prints the head of the
table.
"""

import json
import sys

COLUMNS = "{:<15} {:>6} {:>6} {:>6} {:>7} {:>9} {:>9} {:>6} {:>6} {:>6} {:>6}  {}"
HEAD = ("drill", "sent", "ackn.", "failed", "tries", "longest", "longest", "p99", "lost", "double", "other", "")
UNITS = ("", "", "", "", "failed", "wait ms", "silence", "ms", "", "", "", "")
# Counted as "other": each must be zero.
OTHER = ("altered", "photos", "too_many", "chart_differs")


def read(path):
    """Returns the JSON of a file, or None if there is none, as after an aborted client."""
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError):
        return None


def misses(goal, summary, findings):
    """Returns the goals that are missed."""
    wrong = [name for name in ("lost", "doubled", *OTHER) if findings[name]]
    if summary["acknowledged"] == 0:
        wrong.append("nothing was acknowledged")
    if goal == "served" and summary["failed_attempts"]:
        wrong.append(f"failed attempts: {summary['failures']}")
    if goal == "served" and summary["held_back"]:
        wrong.append(f"{summary['held_back']} not sent: too many in flight")
    if goal.startswith("silence-") and summary["longest_silence_ms"] > int(goal.split("-")[1]):
        wrong.append("too long without any receipt")
    return wrong


def main(name, goal, summary_path, findings_path):
    """Prints the line; returns the exit code."""
    summary, findings = read(summary_path), read(findings_path)
    if summary is None or findings is None:
        print(f"{name:<15} MISSED: no {'summary' if summary is None else 'proof'}")
        return 1
    wrong = misses(goal, summary, findings)
    numbers = [summary[key] for key in ("sent", "acknowledged", "failed", "failed_attempts")]
    numbers += [summary[key] for key in ("longest_wait_ms", "longest_silence_ms", "p99_ms")]
    numbers += [findings["lost"], findings["doubled"], sum(int(findings[key]) for key in OTHER)]
    print(COLUMNS.format(name, *numbers, "MISSED: " + "; ".join(wrong) if wrong else "holds"))
    return 1 if wrong else 0


if __name__ == "__main__":
    if len(sys.argv) == 1:
        print(COLUMNS.format(*HEAD), COLUMNS.format(*UNITS), sep="\n")
    else:
        sys.exit(main(*sys.argv[1:]))
