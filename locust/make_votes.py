#!/usr/bin/python3
"""Makes a sample of votes from a campaign file and its lists, for locustfile.py.

make_votes.py CAMPAIGN_FILE --votes N [--seed SEED] > votes.json

The votes are skewed like real ones: a few places have most of them, each place has a favourite of its own, and the same
seed makes the same file. Prints a JSON array with an object for each vote.
"""
import argparse
import csv
import itertools
import json
import pathlib
import random
import sys
import tomllib

NAMES = 40  # invented names of an open field


def read_places(folder, field):
    """Returns the places of a list as (name, region); names of several regions have their region, as in the counts."""
    if "list" not in field:
        return [(f"{field['name'].capitalize()} {number}", "") for number in range(1, NAMES + 1)]
    with open(folder / field["list"], encoding="utf-8", newline="") as file:
        places = [(row[0], row[1]) for row in itertools.islice(csv.reader(file), 1, None) if row]
    names = [name.casefold() for name, _ in places]
    return [(f"{name} ({region})" if names.count(name.casefold()) > 1 else name, region) for name, region in places]


def options_of(folder, field):
    """Returns the possible answers to a field as (answer, region)."""
    kind = field["kind"]
    if kind == "place":
        return read_places(folder, field)
    if "options" in field:
        return [(option["value"], "") for option in field["options"]]
    if "range" in field:
        low, high = field["range"]
        return [(number if kind == "integer" else str(number), "") for number in range(low, min(high, low + 999) + 1)]
    if kind == "text":
        return [(f"{field['name'].capitalize()} {number}", "") for number in range(1, NAMES + 1)]
    sys.exit(f"fields of the kind {kind} are not known: {field['name']}")


def pick(random_source, options, taste):
    """Returns one option: the n-th most popular is chosen 1/n times as often as the first. A taste has its own order."""
    order = list(options)
    random.Random(taste).shuffle(order)
    return random_source.choices(order, weights=[1 / rank for rank in range(1, len(order) + 1)])[0]


def make_vote(random_source, fields, options, seed):
    """Returns one vote. Its first place decides its taste in everything but places."""
    vote, region, home = {}, None, ""
    for field in fields:
        name = field["name"]
        choices = options[name]
        if "within" in field:
            region = vote[field["within"]]
            choices = [choice for choice in choices if choice[1] == region]
        is_place = field["kind"] == "place"
        value, _ = pick(random_source, choices, f"{seed} {name} {region if is_place else home}")
        vote[name] = value
        if is_place:
            home = home or value
    return vote


def main():
    """Prints the votes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("campaign", type=pathlib.Path, metavar="CAMPAIGN_FILE")
    parser.add_argument("--votes", type=int, required=True, metavar="N")
    parser.add_argument("--seed", default="1")
    arguments = parser.parse_args()
    with open(arguments.campaign, "rb") as file:
        campaign = tomllib.load(file)
    fields = campaign["fields"]
    options = {field["name"]: options_of(arguments.campaign.parent, field) for field in fields}
    random_source = random.Random(arguments.seed)
    votes = (make_vote(random_source, fields, options, arguments.seed) for _ in range(arguments.votes))
    print("[" + ",\n".join(json.dumps(vote, ensure_ascii=False) for vote in votes) + "]")


if __name__ == "__main__":
    main()
