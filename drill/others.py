#!/usr/bin/python3
"""The other users during an attack: others.py SECONDS_AT_MOST MEMORY_MB PORT[,PORT ...] PID[,PID ...]

Until standard input ends, at each port somebody asks for the form and for the totals and registers an invented person,
each on a connection of their own. Prints how many were answered, the slowest of them, and the most memory that a process
held. Exit code 0: everyone was served, nobody waited longer than the seconds, no process held more than the memory.
"""

import http.client
import json
import pathlib
import select
import sys
import threading
import time
import zlib

import bombs

PAUSE = 0.2
ROWS = zlib.compress((b"\0" + bytes(3 * 16)) * 16)
PHOTO = bombs.png(16, 16, bombs.chunk(b"IDAT", ROWS))
CHART = "/api/v1/campaigns/simulacro/chart"
REGISTRATIONS = "/api/v1/campaigns/simulacro/registrations"


class Others:
    """What the others met."""

    def __init__(self):
        self.over = threading.Event()
        self.answered = 0
        self.slowest = (0, "")
        self.unserved = []
        self.memory = 0

    def ask(self, port, method, path, body=None):
        """One request of somebody else."""
        begun = time.monotonic()
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            kind = {"Content-Type": "multipart/form-data; boundary=X"} if body else {}
            connection.request(method, path, body, kind)
            answer = connection.getresponse()
            answer.read()
            connection.close()
            status = answer.status
        except OSError as error:
            status = type(error).__name__
        took = time.monotonic() - begun
        self.slowest = max(self.slowest, (round(took, 2), f"{method} {path} at {port}"))
        if status in (200, 201):
            self.answered += 1
        else:
            self.unserved.append(f"{method} {path} at {port}: {status}")

    def use(self, port, first):
        """Uses the site as people do, until it is over."""
        number = first
        while not self.over.is_set():
            self.ask(port, "GET", "/c/simulacro")
            self.ask(port, "GET", CHART)
            self.ask(port, "POST", REGISTRATIONS, bombs.form(PHOTO, number))
            number += 1
            self.over.wait(PAUSE)

    def weigh(self, pids):
        """Notes the most memory that a process holds, in MB."""
        while not self.over.wait(0.1):
            for pid in pids:
                status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")
                held = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))
                self.memory = max(self.memory, held // 1024)


def main(seconds, memory, ports, pids):
    """Uses the site until standard input ends, and tells how it was."""
    others = Others()
    # Numbers of documents that no earlier run used.
    first = int(time.time()) % 10_000_000 * 10
    users = [threading.Thread(target=others.use, args=(int(port), first + 20_000_000 * place))
             for place, port in enumerate(ports.split(","))]
    scales = threading.Thread(target=others.weigh, args=(pids.split(","),), daemon=True)
    for thread in [*users, scales]:
        thread.start()
    select.select([sys.stdin], [], [])
    others.over.set()
    for user in users:
        user.join()
    print(json.dumps({"answered": others.answered, "slowest": others.slowest, "unserved": len(others.unserved),
                      "examples": others.unserved[:3], "memory_mb": others.memory}))
    served = others.answered > 0 and not others.unserved
    return 0 if served and others.slowest[0] <= float(seconds) and 0 < others.memory <= int(memory) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
