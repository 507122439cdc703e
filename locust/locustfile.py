"""Sends a file of votes to a running site, each exactly once, and compares the results with the file.

locust --locustfile locust/locustfile.py --headless --host http://127.0.0.1:8080 --users 20 --spawn-rate 20 --processes 2 \\
    --votes votes.json --campaign elecciones --door http --once

Worker k of n sends the rows k, k + n, k + 2n, …. The key of a row is made of the file and its number, so that a row that
is repeated, after 503 or by another run, is stored once. At the end the site's tallies must have grown by the counts of
the file: if not, the exit code is 1. make_votes.py makes such files.
"""
import collections
import hashlib
import itertools
import json
import logging
import pathlib
import secrets
import sys
import time
import unicodedata
import urllib.request

import gevent
import grpc
import grpc.experimental.gevent as grpc_gevent
from locust import FastHttpUser, User, events, task
from locust.exception import StopUser
from locust.runners import MasterRunner, WorkerRunner

grpc_gevent.init_gevent()

PROTO = pathlib.Path(__file__).resolve().parent.parent / "proto"
SECONDS_TO_ANSWER = 20
MAX_PAUSE = 10  # seconds before a vote is repeated
SECONDS_TO_COUNT = 60
REPEATED = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.DEADLINE_EXCEEDED}
DURABLE = {"STATUS_STORED", "STATUS_QUEUED", "STATUS_ALREADY_STORED"}
STUBS = {}


@events.init_command_line_parser.add_listener
def add_options(parser):
    """Adds the options of this file."""
    group = parser.add_argument_group("Votes")
    group.add_argument("--votes", required=True, metavar="FILE", help="JSON array or NDJSON with an object for each vote")
    group.add_argument("--campaign", required=True, metavar="ID", help="id of the campaign")
    group.add_argument("--door", choices=("http", "grpc"), default="http", help="which API gets the votes")
    group.add_argument("--grpc", default="127.0.0.1:4050", metavar="HOST:PORT", help="address for --door grpc")
    group.add_argument("--grpc-tls", action="store_true", help="use TLS for --door grpc")
    group.add_argument("--token-file", metavar="FILE", help="file with a token of the scope votes")
    group.add_argument("--tally", action="append", default=[], metavar="ID", help="tally to compare; may be repeated")
    group.add_argument("--compare", choices=("added", "all", "none"), default="added",
                       help="the tallies must grow by the file (added), or have nothing but it (all)")
    repeat = group.add_mutually_exclusive_group()
    repeat.add_argument("--once", action="store_true", help="end after the last row (default)")
    repeat.add_argument("--forever", action="store_true", help="start again after the last row, with new keys")


def read_votes(path):
    """Returns the rows of a file, and its digest."""
    content = pathlib.Path(path).read_bytes()
    text = content.decode("utf-8-sig")
    is_array = text.lstrip().startswith("[")
    rows = json.loads(text) if is_array else [json.loads(line) for line in text.splitlines() if line.strip()]
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise ValueError("expected one JSON object or more")
    return rows, hashlib.sha256(content).digest()


class Rows:
    """The rows of this worker."""

    def __init__(self, environment):
        options, runner = environment.parsed_options, environment.runner
        self.rows, self.digest = read_votes(options.votes)
        is_worker = isinstance(runner, WorkerRunner)
        self.first = runner.worker_index if is_worker else 0
        self.step = options.expect_workers if is_worker else 1
        self.forever = options.forever
        self.name = secrets.token_hex(8)  # of this run, for the keys of --forever
        self.waiting = self.order()
        self.counts = collections.Counter()
        self.working = 0

    def order(self):
        """Yields key and vote of each row to be sent."""
        for turn in itertools.count() if self.forever else [0]:
            for number in range(self.first, len(self.rows), self.step):
                row = f"{number} {turn} {self.name}" if self.forever else f"{number}"
                key = hashlib.sha256(self.digest + row.encode()).hexdigest()
                yield key, self.rows[number]


class Voter:
    """Takes rows and sends each until it is durable or refused."""

    def vote(self):
        """Sends one row."""
        rows = self.environment.rows
        row = next(rows.waiting, None)
        if row is None:
            if rows.working == 0:
                report(self.environment, done=True)
            raise StopUser
        rows.working += 1
        rows.counts["sent"] += 1
        try:
            pause = self.send(*row)
            while pause:
                gevent.sleep(min(pause, MAX_PAUSE))
                pause = self.send(*row)
        finally:
            rows.working -= 1

    def count(self, is_durable):
        """Counts a row that will not be sent again."""
        self.environment.rows.counts["acknowledged" if is_durable else "refused"] += 1


class HttpVoter(Voter, FastHttpUser):
    """Votes by HTTP."""

    connection_timeout = network_timeout = SECONDS_TO_ANSWER

    @task
    def vote_once(self):
        """Sends one row."""
        self.vote()

    def send(self, key, vote):
        """Sends a vote. Returns the seconds to wait before it is sent again, or None."""
        options = self.environment.parsed_options
        headers = {"Idempotency-Key": key, **authorization(options)}
        path = f"/api/v1/campaigns/{options.campaign}/votes"
        with self.client.post(path, json=vote, headers=headers, name="vote", catch_response=True) as response:
            if response.status_code in (200, 201, 202):
                return self.count(True)
            if response.status_code in (0, 408, 429, 502, 503, 504):
                response.failure(f"{response.status_code}: sent again")
                return float((response.headers or {}).get("Retry-After") or 1)
            response.failure(f"{response.status_code}: {response.text[:300]}")
            return self.count(False)


class GrpcTimer(grpc.UnaryUnaryClientInterceptor):
    """Reports each call to Locust."""

    def __init__(self, environment):
        self.environment = environment

    def intercept_unary_unary(self, continuation, client_call_details, request):
        start = time.perf_counter()
        call = continuation(client_call_details, request)
        error = call.exception()
        self.environment.events.request.fire(
            request_type="grpc", name=client_call_details.method.rsplit("/", 1)[-1],
            response_time=(time.perf_counter() - start) * 1000, response_length=0 if error else call.result().ByteSize(),
            response=call, context={}, exception=error)
        return call


class GrpcVoter(Voter, User):
    """Votes by gRPC."""

    def on_start(self):
        options = self.environment.parsed_options
        if not STUBS:
            sys.path.insert(0, str(PROTO))
            messages, services = grpc.protos_and_services("jornada/v1/votes.proto")
            open_channel = grpc.insecure_channel
            if options.grpc_tls:
                open_channel = lambda address: grpc.secure_channel(address, grpc.ssl_channel_credentials())
            channel = grpc.intercept_channel(open_channel(options.grpc), GrpcTimer(self.environment))
            STUBS.update(messages=messages, votes=services.VotesStub(channel))

    @task
    def vote_once(self):
        """Sends one row."""
        self.vote()

    def send(self, key, vote):
        """Sends a vote. Returns the seconds to wait before it is sent again, or None."""
        options, messages = self.environment.parsed_options, STUBS["messages"]
        answers = {name: str(value) for name, value in vote.items()}
        metadata = [(name.lower(), value) for name, value in authorization(options).items()]
        request = messages.Vote(campaign=options.campaign, idempotency_key=key, answers=answers)
        try:
            outcome = STUBS["votes"].Cast(request, timeout=SECONDS_TO_ANSWER, metadata=metadata)
        except grpc.RpcError as error:
            return 1.0 if error.code() in REPEATED else self.count(False)
        return self.count(messages.Status.Name(outcome.status) in DURABLE)


def authorization(options):
    """Returns the header with the token, if there is one."""
    if not options.token_file:
        return {}
    return {"Authorization": "Bearer " + pathlib.Path(options.token_file).read_text(encoding="ascii").strip()}


@events.init.add_listener
def choose_door(environment, runner, **_):
    """Leaves the users of one door, and listens to what the workers report."""
    door = {"http": HttpVoter, "grpc": GrpcVoter}[environment.parsed_options.door]
    environment.user_classes = [door]
    try:
        read_votes(environment.parsed_options.votes)
    except (OSError, ValueError) as error:
        sys.exit(f"--votes: {error}")
    if not isinstance(runner, WorkerRunner):
        environment.reports = {}
        runner.register_message("votes", take_report)


@events.test_start.add_listener
def start(environment, **_):
    """Deals the rows, and notes the tallies as they are."""
    if not isinstance(environment.runner, MasterRunner):
        environment.rows = Rows(environment)
    if not isinstance(environment.runner, WorkerRunner):
        try:
            environment.before = {tally: get(environment, tally) for tally in environment.parsed_options.tally}
        except (OSError, ValueError) as error:
            logging.error("cannot read the tallies before the run: %s", error)
            environment.process_exit_code = 1
            gevent.spawn(environment.runner.quit)


@events.test_stop.add_listener
def stop(environment, **_):
    """Reports what was sent, if it has not ended by itself."""
    if not isinstance(environment.runner, MasterRunner):
        report(environment, done=False)


def report(environment, done):
    """Tells the master what this worker has sent."""
    environment.runner.send_message("votes", {"done": done, **environment.rows.counts})


def take_report(environment, msg, **_):
    """Takes the report of a worker; ends the run when all are done."""
    reports, runner = environment.reports, environment.runner
    reports[msg.node_id] = msg.data
    workers = runner.worker_count if isinstance(runner, MasterRunner) else 1
    if len(reports) == workers and all(one["done"] for one in reports.values()):
        gevent.spawn(runner.quit)


@events.quitting.add_listener
def judge(environment, **_):
    """Compares the results with what was sent, and sets the exit code."""
    if isinstance(environment.runner, WorkerRunner) or not hasattr(environment, "before"):
        return
    counts = sum((collections.Counter({name: one.get(name, 0) for name in ("sent", "acknowledged", "refused")})
                  for one in environment.reports.values()), collections.Counter())
    logging.info("votes: %d sent, %d acknowledged, %d refused", counts["sent"], counts["acknowledged"], counts["refused"])
    rows, _ = read_votes(environment.parsed_options.votes)
    wrong = [] if environment.parsed_options.forever else mistakes(counts, len(rows))
    wrong += [] if environment.parsed_options.compare == "none" else wait_for_tallies(environment, rows, counts)
    for text in wrong:
        logging.error(text)
    environment.process_exit_code = 1 if wrong else 0


def mistakes(counts, rows):
    """Returns what is wrong with the votes of a run that has sent its file once."""
    if counts["acknowledged"] == rows:
        return []
    return [f"of {rows} votes {counts['acknowledged']} were acknowledged and {counts['refused']} refused"]


# --- Tallies


def fold(text):
    """Returns a text without marks and capitals, as the site compares it."""
    plain = unicodedata.normalize("NFKD", str(text))
    return " ".join("".join(sign for sign in plain if not unicodedata.combining(sign)).casefold().split())


def get(environment, tally):
    """Returns a tally of the site."""
    options = environment.parsed_options
    url = f"{environment.host or options.host}/api/v1/campaigns/{options.campaign}/tallies/{tally}"
    with urllib.request.urlopen(url, timeout=SECONDS_TO_ANSWER) as response:
        return json.load(response)


def counted(rows, tally):
    """Returns the counts of the rows as a tally has them."""
    where = {name: fold(value) for name, value in (tally.get("where") or {}).items()}
    passing = (row for row in rows if all(fold(row.get(name, "")) == value for name, value in where.items()))
    return collections.Counter(tuple(fold(row.get(name, "")) for name in tally["by"]) for row in passing)


def shown(tally):
    """Returns the counts that a tally lists."""
    return {tuple(fold(value) for value in row["key"]): row["count"] for row in tally["values"]}


def differences(environment, rows, counts):
    """Returns how the tallies differ from what was sent."""
    wrong = []
    for name, before in environment.before.items():
        now = get(environment, name)
        is_added = environment.parsed_options.compare == "added"
        base = shown(before) if is_added else {}
        grown = now["total"] - (before["total"] if is_added else 0)
        if environment.parsed_options.forever:
            if not counts["acknowledged"] <= grown <= counts["sent"] and not now.get("where"):
                wrong.append(f"tally {name}: {grown} votes instead of {counts['acknowledged']} to {counts['sent']}")
            continue
        expected = counted(rows, now)
        if grown != sum(expected.values()):
            wrong.append(f"tally {name}: {grown} votes instead of {sum(expected.values())}")
        # A value that was not listed before may have had a count.
        known = {key: count for key, count in shown(now).items() if key in base or not before.get("others") or not is_added}
        wrong += [f"tally {name}: {' · '.join(key)} has {count - base.get(key, 0)} votes instead of {expected.get(key, 0)}"
                  for key, count in known.items() if count - base.get(key, 0) != expected.get(key, 0)]
    return wrong[:20]


def wait_for_tallies(environment, rows, counts):
    """Returns how the tallies differ after the time in which all votes must be counted."""
    deadline = time.monotonic() + SECONDS_TO_COUNT
    while True:
        try:
            wrong = differences(environment, rows, counts)
        except (OSError, ValueError) as error:
            wrong = [f"cannot read the tallies: {error}"]
        if not wrong or time.monotonic() > deadline:
            return wrong
        gevent.sleep(0.5)
