#!/usr/bin/python3
"""The votes of a drill: sends them, and compares what was acknowledged with the store and the tallies.

votes.py load SITE TOKEN_FILE LEDGER RUN RATE
    Sends votes until SIGTERM, in batches and one by one. Repeats what is not acknowledged, with the same key. Prints the
    figures as one line of JSON. Each line of LEDGER is a vote that was sent: state (acknowledged or open), number, answers.
votes.py compare NAME GOAL SUMMARY LEDGER EXPORT EMPTY_AFTER NOTE INSTANCE...
    Prints one line of the drill's table. EXPORT is the output of `jornada votes export`; EMPTY_AFTER the seconds from the end
    of the fault until the queue was empty; NOTE a missed goal that was found elsewhere; each INSTANCE the URL of one.
    Goals: `kept` nothing in addition; `served` no request failed; `silence-N` never more than N ms without an
    acknowledgement; `refused` requests were refused, all with 503 and Retry-After.
votes.py head
    Prints the head of the table.
"""

import collections
import http.client
import json
import random
import signal
import sys
import threading
import time
import urllib.request

CAMPAIGN = "simulacro-votos"
TABLES, OPTIONS = 20, 5
BATCH = 50
BATCH_THREADS = SINGLE_THREADS = 4
SHARE_OF_BATCHES = 0.9
# More than the 13 s after which an instance refuses a vote that it can neither queue nor store.
SECONDS_TO_ANSWER = 20
SECONDS_TO_END = 60
SECONDS_TO_COUNT = 30
MAX_PAUSE = 2
DURABLE = {"stored", "queued", "already-stored"}

COLUMNS = "{:<16} {:>7} {:>7} {:>7} {:>7} {:>8} {:>8} {:>7} {:>5} {:>6} {:>6}  {}"
HEAD = ("drill", "sent", "ackn.", "refused", "failed", "longest", "longest", "queue", "lost", "double", "other", "")
UNITS = ("", "votes", "votes", "requ.", "requ.", "wait ms", "silence", "empty s", "", "", "", "")
# Counted as "other": each must be zero.
OTHER = ("altered", "unknown", "rejected", "tallies")


class Load:
    """Votes in work, their ledger, and the figures."""

    def __init__(self, site, token, run, rate):
        self.address = site.removeprefix("http://")
        self.token = token
        self.run = run
        self.rate = float(rate)
        self.stop = threading.Event()
        self.lock = threading.Lock()
        self.ledger = []
        self.waits = []
        self.failures = collections.Counter()
        self.counts = collections.Counter()
        self.last_answer = None
        self.longest_silence = 0
        self.deadline = None

    def acknowledge(self, votes, wait):
        """Records votes that an instance has acknowledged."""
        now = time.monotonic()
        with self.lock:
            self.ledger += [("acknowledged", vote) for vote in votes]
            self.waits += [wait] * len(votes)
            if not self.stop.is_set():
                self.longest_silence = max(self.longest_silence, now - (self.last_answer or now))
                self.last_answer = now

    def count(self, what, failure=None):
        """Counts an event, or a failed request by its cause."""
        with self.lock:
            self.counts[what] += 1
            if failure is not None:
                self.failures[failure] += 1

    def is_over(self):
        """Tells whether to give up what is still not acknowledged."""
        return self.deadline is not None and time.monotonic() > self.deadline


class Voter(threading.Thread):
    """A client with one connection that is kept."""

    def __init__(self, load, name, size, interval):
        super().__init__(name=name)
        self.load = load
        self.size = size
        self.interval = interval
        self.connection = None
        self.chance = random.Random(name)

    def run(self):
        load, number = self.load, 0
        due = time.monotonic()
        while not load.stop.wait(max(0, due - time.monotonic())):
            number += 1
            due = max(due + self.interval, time.monotonic() - self.interval)
            self.cast(f"{load.run}-{self.name}-{number}")

    def cast(self, key):
        """Sends the votes of one request, and repeats it until all of them are acknowledged."""
        votes = [{"numero": f"{key}/{index}", "mesa": self.chance.randint(1, TABLES), "opcion": str(self.chance.randint(1, OPTIONS))}
                 for index in range(self.size)]
        open_votes = dict(enumerate(votes))
        start = time.monotonic()
        while open_votes and not self.load.is_over():
            outcomes, pause = self.send(key, votes)
            durable = [index for index in open_votes if index < len(outcomes) and outcomes[index] in DURABLE]
            if durable:
                self.load.acknowledge([open_votes.pop(index) for index in durable], time.monotonic() - start)
            for outcome in outcomes:
                if outcome not in DURABLE | {"unavailable"}:
                    self.load.count("rejected", outcome)
            if open_votes:
                time.sleep(min(pause, MAX_PAUSE))
        with self.load.lock:
            self.load.ledger += [("open", vote) for vote in open_votes.values()]

    def send(self, key, votes):
        """Sends one request. Returns the outcomes of its votes, and the seconds to wait before the next try."""
        batch = self.size > 1
        path = f"/api/v1/campaigns/{CAMPAIGN}/votes" + ("/batch" if batch else "")
        headers = {"Authorization": f"Bearer {self.load.token}", "Content-Type": "application/json", "Idempotency-Key": key}
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection(self.load.address, timeout=SECONDS_TO_ANSWER)
            self.connection.request("POST", path, json.dumps(votes if batch else votes[0]), headers)
            response = self.connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException) as error:
            self.connection.close()
            self.connection = None
            self.load.count("failed", type(error).__name__)
            return [], 0.2
        pause = float(response.headers.get("Retry-After") or 0.2)
        return self.judge(response, body), pause

    def judge(self, response, body):
        """Returns the outcomes of an answer, and counts refusals and failures."""
        try:
            answer = json.loads(body)
            if response.status == 200 and self.size > 1:
                outcomes = [result["status"] for result in answer["results"]]
                if "unavailable" in outcomes:
                    self.refused(response)
                return outcomes
            if response.status in (200, 201, 202):
                return [answer["status"]]
        except (ValueError, KeyError, TypeError):
            pass
        if response.status == 503:
            self.refused(response)
        else:
            self.load.count("failed", str(response.status))
        return []

    def refused(self, response):
        """Counts a refusal, and one that does not say when to try again."""
        self.load.count("refused")
        if "Retry-After" not in response.headers:
            self.load.count("bare", f"{response.status} without Retry-After")


def run_load(site, token_file, ledger, run, rate):
    """Sends votes until SIGTERM."""
    with open(token_file, encoding="ascii") as file:
        load = Load(site, file.read().strip(), run, rate)
    # Of all threads, only this one takes the signal.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    batches, singles = load.rate * SHARE_OF_BATCHES / BATCH, load.rate * (1 - SHARE_OF_BATCHES)
    voters = [Voter(load, f"b{number}", BATCH, BATCH_THREADS / batches) for number in range(BATCH_THREADS)]
    voters += [Voter(load, f"s{number}", 1, SINGLE_THREADS / singles) for number in range(SINGLE_THREADS)]
    load.last_answer = time.monotonic()
    for voter in voters:
        voter.start()
    signal.sigwait({signal.SIGTERM})
    load.stop.set()
    load.longest_silence = max(load.longest_silence, time.monotonic() - load.last_answer)
    load.deadline = time.monotonic() + SECONDS_TO_END
    for voter in voters:
        voter.join()
    with open(ledger, "w", encoding="utf-8") as file:
        for state, vote in load.ledger:
            file.write(f"{state}\t{vote['numero']}\t{vote['mesa']}\t{vote['opcion']}\n")
    waits = sorted(load.waits) or [0]
    print(json.dumps({
        "sent": len(load.ledger), "acknowledged": len(load.waits), "refused": load.counts["refused"], "bare": load.counts["bare"],
        "failed": load.counts["failed"], "rejected": load.counts["rejected"], "failures": load.failures,
        "p99_ms": round(1000 * waits[len(waits) * 99 // 100]), "longest_wait_ms": round(1000 * waits[-1]),
        "longest_silence_ms": round(1000 * load.longest_silence)}))


def read_ledger(path):
    """Returns the votes of a ledger by number: whether it was acknowledged, and its answers."""
    ledger = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            state, number, *answers = line.rstrip("\n").split("\t")
            ledger[number] = (state == "acknowledged", answers)
    return ledger


def read_store(path):
    """Returns the answers of all stored votes by number."""
    stored = collections.defaultdict(list)
    with open(path, encoding="utf-8") as file:
        for line in file:
            answers = json.loads(line)["answers"]
            stored[answers["numero"]].append([answers["mesa"], answers["opcion"]])
    return stored


def tallies_of(stored):
    """Returns the counts of the tallies as they must be."""
    votes = [answers for several in stored.values() for answers in several]
    return {"opciones": collections.Counter((option,) for _, option in votes),
            "mesas": collections.Counter((table, option) for table, option in votes)}


def tally_differs(instance, tally, counts):
    """Returns what an instance shows in place of the right counts, or None."""
    try:
        with urllib.request.urlopen(f"{instance}/api/v1/campaigns/{CAMPAIGN}/tallies/{tally}", timeout=5) as response:
            body = json.load(response)
    except (OSError, ValueError) as error:
        return f"{instance}: no tally {tally}: {error}"
    shown = {tuple(row["key"]): row["count"] for row in body["values"] if row["count"]}
    if shown == counts and body["total"] == sum(counts.values()):
        return None
    return f"{instance}: tally {tally} shows {body['total']} votes instead of {sum(counts.values())}"


def wrong_tallies(instances, expected):
    """Returns what is wrong with the tallies after the time in which every instance must show all votes."""
    deadline = time.monotonic() + SECONDS_TO_COUNT
    while True:
        wrong = [tally_differs(instance, *tally) for instance in instances for tally in expected.items()]
        wrong = [text for text in wrong if text]
        if not wrong or time.monotonic() > deadline:
            return wrong
        time.sleep(0.3)


def find(ledger, stored, summary):
    """Compares the ledger with the store; returns the number of votes by what is wrong with them."""
    return {
        "lost": sum(acknowledged and number not in stored for number, (acknowledged, _) in ledger.items()),
        "doubled": sum(len(several) > 1 for several in stored.values()),
        "altered": sum(number in ledger and any(answers != ledger[number][1] for answers in several)
                       for number, several in stored.items()),
        "unknown": sum(number not in ledger for number in stored),
        "rejected": summary["rejected"],
    }


def misses(goal, summary, findings):
    """Returns the goals that are missed."""
    wrong = [f"{findings[name]} {name}" for name in ("lost", "doubled", *OTHER) if findings[name]]
    if not summary["acknowledged"]:
        wrong.append("nothing was acknowledged")
    if summary["acknowledged"] < summary["sent"]:
        wrong.append(f"{summary['sent'] - summary['acknowledged']} not acknowledged")
    if summary["bare"]:
        wrong.append(f"refused without Retry-After: {summary['bare']}")
    if goal == "served" and summary["failed"] + summary["refused"] or goal == "refused" and summary["failed"]:
        wrong.append(f"failed requests: {summary['failures'] or 'refused'}")
    if goal == "refused" and not summary["refused"]:
        wrong.append("nothing was refused")
    if goal.startswith("silence-") and summary["longest_silence_ms"] > int(goal.split("-")[1]):
        wrong.append("too long without any acknowledgement")
    return wrong


def compare(name, goal, summary_path, ledger_path, export, empty_after, note, *instances):
    """Prints the line of a drill; returns the exit code."""
    try:
        with open(summary_path, encoding="utf-8") as file:
            summary = json.load(file)
        ledger, stored = read_ledger(ledger_path), read_store(export)
    except (OSError, ValueError) as error:
        print(f"{name:<16} MISSED: no proof: {error}")
        return 1
    findings = find(ledger, stored, summary)
    wrong = wrong_tallies(instances, tallies_of(stored))
    for text in wrong:
        print(text, file=sys.stderr)
    findings["tallies"] = len(wrong)
    wrong = misses(goal, summary, findings) + ([note] if note else [])
    numbers = [summary[key] for key in ("sent", "acknowledged", "refused", "failed", "longest_wait_ms", "longest_silence_ms")]
    numbers += [empty_after, findings["lost"], findings["doubled"], sum(findings[key] for key in OTHER)]
    print(COLUMNS.format(name, *numbers, "MISSED: " + "; ".join(wrong) if wrong else "holds"))
    return 1 if wrong else 0


def main(verb, *arguments):
    """Runs one verb; returns the exit code."""
    if verb == "load":
        return run_load(*arguments)
    if verb == "compare":
        return compare(*arguments)
    return print(COLUMNS.format(*HEAD), COLUMNS.format(*UNITS), sep="\n")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
