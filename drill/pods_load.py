"""The load of drill/pods.py, and the forwarder that stands for a Service."""

import asyncio
import http.client
import json
import pathlib
import random
import sys
import threading
import time

import grpc

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "proto"))
VOTE = {"sede": "17", "departamento": "Guatemala", "municipio": "Mixco", "papeleta": "Blanca", "partido": "UNE"}
CLIENTS = 6
PAUSE = 0.02
TIMEOUT = 20


class Forwarder:
    """Gives each connection to one of the pods that are ready, for HTTP and for gRPC."""

    def __init__(self, pods):
        self.pods = list(pods)
        self.ports = {}
        self.loop = asyncio.new_event_loop()
        started = threading.Event()
        threading.Thread(target=self.run, args=(started,), daemon=True).start()
        started.wait(10)

    def run(self, started):
        """Serves until the process ends."""
        asyncio.set_event_loop(self.loop)
        for name in ("http", "grpc"):
            accept = lambda reader, writer, name=name: self.forward(name, reader, writer)
            server = self.loop.run_until_complete(asyncio.start_server(accept, "127.0.0.1", 0))
            self.ports[name] = server.sockets[0].getsockname()[1]
        started.set()
        self.loop.run_forever()

    def add(self, ports):
        """Adds a pod."""
        self.pods.append(ports)

    def remove_later(self, ports, delay):
        """Removes a pod after a delay; its connections stay."""
        threading.Timer(delay, self.pods.remove, [ports]).start()

    async def forward(self, name, reader, writer):
        """Forwards one connection."""
        port = random.choice(self.pods)[name]
        try:
            reader_of_pod, writer_of_pod = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(pump(reader, writer_of_pod), pump(reader_of_pod, writer))


async def pump(reader, writer):
    """Copies one direction to its end."""
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


class Load:
    """Clients that each send one vote after the other, each with a key of its own."""

    def __init__(self, forwarder, name):
        self.name, self.ports = name, forwarder.ports
        self.counts = {"http": 0, "grpc": 0}
        self.failures, self.reconnected, self.longest = [], 0, 0.0
        self.lock, self.stopping = threading.Lock(), threading.Event()
        self.messages, services = grpc.protos_and_services("jornada/v1/votes.proto")
        # One connection for all, as programs have; it is renewed on GOAWAY.
        self.votes = services.VotesStub(grpc.insecure_channel(f"127.0.0.1:{self.ports['grpc']}"))
        self.threads = [threading.Thread(target=self.work, args=(door, number))
                        for door in ("http", "grpc") for number in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def work(self, door, number):
        """Sends votes until the end."""
        send = self.http_client() if door == "http" else self.cast
        count = 0
        while not self.stopping.is_set():
            count += 1
            start = time.monotonic()
            error = send(f"{self.name}-{door}-{number}-{count}")
            with self.lock:
                self.longest = max(self.longest, time.monotonic() - start)
                if error:
                    self.failures.append(f"{door}: {error}")
                else:
                    self.counts[door] += 1
            time.sleep(PAUSE)

    def cast(self, key):
        """Sends a vote by gRPC. Returns the error."""
        vote = self.messages.Vote(campaign="elecciones", idempotency_key=key, answers=VOTE)
        try:
            self.votes.Cast(vote, timeout=TIMEOUT)
        except grpc.RpcError as error:
            return f"{error.code().name}: {error.details()}"
        return None

    def http_client(self):
        """Returns a function that sends votes over a connection that stays open."""
        connection, is_used = None, False

        def send(key):
            nonlocal connection, is_used
            for _ in range(2):
                try:
                    if connection is None:
                        connection, is_used = http.client.HTTPConnection("localhost", self.ports["http"], timeout=TIMEOUT), False
                        connection.connect()
                    headers = {"Content-Type": "application/json", "Idempotency-Key": key}
                    connection.request("POST", "/api/v1/campaigns/elecciones/votes", json.dumps(VOTE), headers)
                    answer = connection.getresponse()
                    text = answer.read()
                    is_used = True
                    if answer.will_close:
                        connection.close()
                        connection = None
                    return None if answer.status in (201, 202) else f"{answer.status} {text[:200]}"
                except (OSError, http.client.HTTPException) as error:
                    connection.close()
                    connection = None
                    # A server may close an idle connection at any time; every client repeats what was just sent (RFC 9112, 9.3.1).
                    if not is_used or isinstance(error, TimeoutError):
                        return repr(error)
                    with self.lock:
                        self.reconnected += 1
            return "closed twice"

        return send

    def stop(self):
        """Stops, and returns what happened."""
        self.stopping.set()
        for thread in self.threads:
            thread.join()
        return self.counts | {"acknowledged": sum(self.counts.values()), "failures": self.failures[:20],
                              "reconnected": self.reconnected, "longest_s": round(self.longest, 2)}
