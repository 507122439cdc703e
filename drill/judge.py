#!/usr/bin/python3
"""Prints one line of the drill's table and says whether the goals hold: judge.py NAME GOAL SUMMARY FINDINGS

SUMMARY and FINDINGS are the files with what `jornada load run` and `jornada load verify` printed. In every drill nothing
may be lost, doubled or altered, each photo must be readable and the chart right. GOAL says what must hold besides:
`kept` nothing more; `served` no try failed; `silence-N` at no time nobody was served for N ms. Without arguments it
prints the table's head.
"""

import json
import sys

COLUMNS = "{:<15} {:>6} {:>6} {:>6} {:>7} {:>9} {:>9} {:>6} {:>6} {:>6} {:>6}  {}"
HEAD = ("drill", "sent", "ackn.", "failed", "tries", "longest", "longest", "p99", "lost", "double", "other", "")
UNITS = ("", "", "", "", "failed", "wait ms", "silence", "ms", "", "", "", "")
# What is counted as "other": each must be nothing.
OTHER = ("altered", "photos", "too_many", "chart_differs")


def read(path):
    """Returns the JSON of a file; nothing when there is none, as after a client that broke off."""
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError):
        return None


def misses(goal, summary, findings):
    """Returns why the goals do not hold, or nothing."""
    wrong = [name for name in ("lost", "doubled", *OTHER) if findings[name]]
    if summary["acknowledged"] == 0:
        wrong.append("nothing was acknowledged")
    if goal == "served" and summary["failed_attempts"]:
        wrong.append(f"failed tries: {summary['failures']}")
    if goal == "served" and summary["held_back"]:
        wrong.append(f"no room at the door for {summary['held_back']}")
    if goal.startswith("silence-") and summary["longest_silence_ms"] > int(goal.split("-")[1]):
        wrong.append("too long without a receipt for anyone")
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
