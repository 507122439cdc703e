#!/usr/bin/python3
"""Computes what a rate of votes needs, from the costs measured in docs/performance.md, and writes the tables of docs/kubernetes.md:
capacity.py. With --check it writes nothing and checks that they are up to date.
"""

import math
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
MEASURED = ROOT / "docs/performance.md"
WRITTEN = ROOT / "docs/kubernetes.md"

# Where each figure is: of two runs the higher one. Processor seconds per 1,000, or bytes.
FIGURES = {
    "batch": r"\| gRPC batch, 8 × 1,000 \| 369,000; .*? \| .*? \| [\d.]+; ([\d.]+) \|",
    "single": r"\| HTTP, 256 connections \| 26,400; .*? \| .*? \| [\d.]+; ([\d.]+) \|",
    "consumer": r"at 0\.0083 and\s+([\d.]+) CPU-s per 1,000",
    "mongod": r"CPU-s per 1,000 \(mongod ([\d.]+)\)",
    "kafka": r"with one partition for 5 ms, ([\d.]+) and",
    "stored": r"with 84,900 and ([\d,]+) documents a second",
    "document": r"takes\s+(\d+) bytes on disk",
    "index": r"(\d+) bytes of indexes",
    "json": r"As JSON it is (\d+) bytes",
    "registration": r"50 KB photo, MongoDB \+ S3 \+ Redis \| [\d.]+ \| ([\d.]+)",
    "registration_mongod": r"\| processor s, mongod \| – \| [\d.]+ \| ([\d.]+)",
}
# Of a processor, so that a lost node or a peak does not fill the rest.
USE = 0.6
# Copies of each record of Kafka, and bytes of one (docs/operations.md).
REPLICAS, KAFKA_BYTES = 3, 200
RATES = (10_000, 100_000, 1_000_000)


def read_figures():
    """Returns the measured figures."""
    text = MEASURED.read_text(encoding="utf-8")
    found = {}
    for name, pattern in FIGURES.items():
        match = re.search(pattern, text)
        if match is None:
            sys.exit(f"docs/performance.md has no figure '{name}': change its pattern in {sys.argv[0]}")
        found[name] = float(match.group(1).replace(",", ""))
    return found


def processors(rate, cost):
    """Returns the processors of a rate, used up to USE: rate × cost / 1,000 / USE."""
    return rate * cost / 1000 / USE


def show(number):
    """Formats a number of processors or a size."""
    return f"{number:,.2f}" if number < 1 else f"{number:,.1f}" if number < 10 else f"{math.ceil(number):,}"


def votes_table(of):
    """Returns the table of rates of votes."""
    disk = (of["document"] + of["index"]) * 3600 / 1e9
    kafka_disk = KAFKA_BYTES * REPLICAS * 3600 / 1e9
    rows = [
        ("processors of `serve`, votes in batches of 1,000 by gRPC", lambda r: show(processors(r, of["batch"]))),
        ("the same, votes one by one by HTTP", lambda r: show(processors(r, of["single"]))),
        ("processors of Kafka, all copies", lambda r: show(processors(r, of["kafka"] * REPLICAS))),
        ("processors of `consume`", lambda r: show(processors(r, of["consumer"]))),
        ("pods of `consume`, with one processor each: at least so many partitions",
         lambda r: f"{max(2, math.ceil(processors(r, of['consumer']))):,}"),
        ("processors of MongoDB's primaries", lambda r: show(processors(r, of["mongod"]))),
        ("shards, at the rate that one was seen to store", lambda r: f"{math.ceil(r / of['stored']):,}"),
        ("bytes that arrive, in Mbit/s", lambda r: show(r * of["json"] * 8 / 1e6)),
        ("disk of Kafka for an hour of votes, all copies, in GB", lambda r: show(r * kafka_disk)),
        ("disk of MongoDB for an hour of votes, each member, in GB", lambda r: show(r * disk)),
    ]
    lines = ["| votes a second | " + " | ".join(f"{rate:,}" for rate in RATES) + " |", "|---|" + "---|" * len(RATES)]
    lines += [f"| {title} | " + " | ".join(value(rate) for rate in RATES) + " |" for title, value in rows]
    return "\n".join(lines)


def costs_table(of):
    """Returns the table of measured costs."""
    rows = [
        ("a vote in a batch of 1,000 by gRPC, through Kafka", of["batch"], of["mongod"], of["consumer"],
         f"{of['json']:.0f} / {KAFKA_BYTES} / {of['document'] + of['index']:.0f}"),
        ("a vote alone by HTTP, through Kafka", of["single"], of["mongod"], of["consumer"],
         f"{of['json']:.0f} / {KAFKA_BYTES} / {of['document'] + of['index']:.0f}"),
        ("a registration with a photo of 50 KB", of["registration"], of["registration_mongod"], "–", "50,000 / – / 1,000"),
    ]
    lines = ["| per 1,000 | `serve`, CPU-s | MongoDB's primary, CPU-s | `consume`, CPU-s | bytes of one: sent / in Kafka / in MongoDB |",
             "|---|---|---|---|---|"]
    lines += ["| " + " | ".join(str(part) for part in row) + " |" for row in rows]
    return "\n".join(lines)


def main(check):
    """Writes or compares the tables; returns the exit code."""
    of, text = read_figures(), WRITTEN.read_text(encoding="utf-8")
    fresh = text
    for name, table in (("costs", costs_table(of)), ("votes", votes_table(of))):
        begin, end = f"<!-- {name}: made by ops/kubernetes/capacity.py -->\n", f"<!-- end of {name} -->"
        before, _, rest = fresh.partition(begin)
        if end not in rest:
            sys.exit(f"docs/kubernetes.md has no place for the table '{name}'")
        fresh = before + begin + table + "\n" + end + rest.partition(end)[2]
    if not check:
        WRITTEN.write_text(fresh, encoding="utf-8")
    elif fresh != text:
        print("docs/kubernetes.md is out of date: python3 ops/kubernetes/capacity.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv))
