#!/usr/bin/python3
"""Prints one line of the drill's table and checks the goals: judge.py NAME GOAL SUMMARY FINDINGS [VISITS]

SUMMARY, FINDINGS and VISITS are files with the output of `jornada load run`, `jornada load verify` and drill/visits.py. In every drill nothing may
be lost, duplicated or altered, each photo must be readable and the chart correct. GOAL is an additional goal: `kept` none;
`served` no attempt failed; `silence-N` never more than N ms without a receipt; `passed-by-P-R` no attempt and no visit failed, no
page took longer than P ms and no registration longer than R ms. Without arguments it prints the head of the
table.
"""

import json
import sys

COLUMNS = "{:<16} {:>6} {:>6} {:>6} {:>7} {:>9} {:>9} {:>6} {:>6} {:>6} {:>6}  {}"
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


def misses(goal, summary, findings, visits):
    """Returns the goals that are missed."""
    wrong = [name for name in ("lost", "doubled", *OTHER) if findings[name]]
    if summary["acknowledged"] == 0:
        wrong.append("nothing was acknowledged")
    passes_by = goal.startswith("passed-by-")
    if (goal == "served" or passes_by) and summary["failed_attempts"]:
        wrong.append(f"failed attempts: {summary['failures']}")
    if (goal == "served" or passes_by) and summary["held_back"]:
        wrong.append(f"{summary['held_back']} not sent: too many in flight")
    if passes_by:
        page_ms, registration_ms = (int(part) for part in goal.split("-")[2:])
        if visits is None or visits["failed"]:
            wrong.append(f"failed visits: {visits and visits['failures']}")
        elif visits["longest_ms"] > page_ms:
            wrong.append(f"{visits['longest_ms']} ms for a page: {visits['longest_page']}")
        if summary["longest_wait_ms"] > registration_ms:
            wrong.append("too long for a registration")
    if goal.startswith("silence-") and summary["longest_silence_ms"] > int(goal.split("-")[1]):
        wrong.append("too long without any receipt")
    return wrong


def main(name, goal, summary_path, findings_path, visits_path=""):
    """Prints the line; returns the exit code."""
    summary, findings, visits = read(summary_path), read(findings_path), read(visits_path)
    if summary is None or findings is None:
        print(f"{name:<16} MISSED: no {'summary' if summary is None else 'proof'}")
        return 1
    wrong = misses(goal, summary, findings, visits)
    numbers = [summary[key] for key in ("sent", "acknowledged", "failed", "failed_attempts")]
    numbers += [summary[key] for key in ("longest_wait_ms", "longest_silence_ms", "p99_ms")]
    holds = "holds" if visits is None else f"holds; {visits['visits']} pages, longest {visits['longest_ms']} ms"
    numbers += [findings["lost"], findings["doubled"], sum(int(findings[key]) for key in OTHER)]
    print(COLUMNS.format(name, *numbers, "MISSED: " + "; ".join(wrong) if wrong else holds))
    return 1 if wrong else 0


if __name__ == "__main__":
    if len(sys.argv) == 1:
        print(COLUMNS.format(*HEAD), COLUMNS.format(*UNITS), sep="\n")
    else:
        sys.exit(main(*sys.argv[1:]))
