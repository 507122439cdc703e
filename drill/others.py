#!/usr/bin/python3
"""The other clients during an attack: others.py MAX_SECONDS MEMORY_MB PORT[,PORT ...] PID[,PID ...]

Until standard input ends, requests the form and the totals and registers an invented person at each port, each request on a
new connection. Prints the number of answers, the slowest one, and the peak memory of a process. Exit code 0: all requests
were answered, none took longer than MAX_SECONDS, and no process used more than MEMORY_MB.
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
    """The other clients and their measurements."""

    def __init__(self):
        self.stop = threading.Event()
        self.answered = 0
        self.slowest = (0, "")
        self.unserved = []
        self.memory = 0

    def send(self, port, method, path, body=None):
        """Sends one request and records its answer."""
        start = time.monotonic()
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
        took = time.monotonic() - start
        self.slowest = max(self.slowest, (round(took, 2), f"{method} {path} at {port}"))
        if status in (200, 201):
            self.answered += 1
        else:
            self.unserved.append(f"{method} {path} at {port}: {status}")

    def use(self, port, first):
        """Uses the site like a person until the attack ends."""
        number = first
        while not self.stop.is_set():
            self.send(port, "GET", "/c/simulacro")
            self.send(port, "GET", CHART)
            self.send(port, "POST", REGISTRATIONS, bombs.form(PHOTO, number))
            number += 1
            self.stop.wait(PAUSE)

    def measure_memory(self, pids):
        """Records the peak memory of a process, in MB."""
        while not self.stop.wait(0.1):
            for pid in pids:
                status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")
                used = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))
                self.memory = max(self.memory, used // 1024)


def main(seconds, memory, ports, pids):
    """Uses the site until standard input ends, and prints the measurements."""
    others = Others()
    # Document numbers that no earlier run has used.
    first = int(time.time()) % 10_000_000 * 10
    users = [threading.Thread(target=others.use, args=(int(port), first + 20_000_000 * place))
             for place, port in enumerate(ports.split(","))]
    meter = threading.Thread(target=others.measure_memory, args=(pids.split(","),), daemon=True)
    for thread in [*users, meter]:
        thread.start()
    select.select([sys.stdin], [], [])
    others.stop.set()
    for user in users:
        user.join()
    print(json.dumps({"answered": others.answered, "slowest": others.slowest, "unserved": len(others.unserved),
                      "examples": others.unserved[:3], "memory_mb": others.memory}))
    served = others.answered > 0 and not others.unserved
    return 0 if served and others.slowest[0] <= float(seconds) and 0 < others.memory <= int(memory) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
