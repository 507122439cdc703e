#!/usr/bin/python3
"""Attacks an instance, directly or through nginx: hostile.py PORT ATTACK AMOUNT [SECONDS]

Prints the number of requests and the answers as one line of JSON. Every attack ends by itself. Connects only to 127.0.0.1,
from loopback addresses that nothing else uses, with invented data.

Exit code 0: the attack failed, judging by the answers. others.py measures the effect on other clients.
"""

import asyncio
import collections
import itertools
import json
import random
import resource
import sys
import time

import bombs

# Several, because 100,000 connections need more ports than one address has.
ATTACKERS = itertools.cycle(f"127.0.0.{number}" for number in range(66, 82))
PATH = "/api/v1/campaigns/simulacro/registrations"
SECONDS_TO_ANSWER = 60
CONCURRENCY = 64
# A rejection, an overload answer, or a closed connection.
REJECTIONS = {"400", "403", "404", "405", "408", "411", "413", "414", "415", "421", "422", "429", "431", "501", "503", "505", "ended"}
# Garbage may happen to be a valid request for a page.
PAGES = {"200", "301", "303", "304"}


def head(length=None, kind="multipart/form-data; boundary=X", verb="POST"):
    """Returns the head of a registration request."""
    body = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    return f"{verb} {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\nConnection: close\r\n{body}\r\n\r\n".encode()


async def connect(port):
    """Connects from one of the attacker's addresses."""
    return await asyncio.open_connection("127.0.0.1", port, local_addr=(next(ATTACKERS), 0))


async def answer(reader):
    """Returns the status of the answer, "ended" if the connection was closed, or "silence" after the timeout."""
    try:
        line = await asyncio.wait_for(reader.readline(), SECONDS_TO_ANSWER)
    except (ConnectionError, ValueError):
        return "ended"
    except asyncio.TimeoutError:
        return "silence"
    words = line.split()
    return words[1].decode("ascii", "replace") if len(words) > 1 and line.startswith(b"HTTP/") else "ended"


async def exchange(port, pieces, pause=0):
    """Sends pieces and returns the status; stops sending when an answer arrives."""
    try:
        reader, writer = await connect(port)
    except ConnectionError:
        return "ended"
    answered = asyncio.ensure_future(answer(reader))
    try:
        for piece in pieces:
            if answered.done():
                break
            writer.write(piece)
            await writer.drain()
            if pause:
                await asyncio.wait([answered], timeout=pause)
    except OSError:
        pass
    status = await answered
    writer.close()
    return status


async def many(port, requests, concurrency=CONCURRENCY, pause=0):
    """Sends many requests concurrently and counts their answers."""
    answers = collections.Counter()
    waiting = iter(requests)

    async def worker():
        for pieces in waiting:
            answers[await exchange(port, pieces, pause)] += 1

    await asyncio.gather(*(worker() for _ in range(concurrency)))
    return answers


async def slow_headers(port, amount, seconds):
    """Sends heads at a byte a second."""
    slow = [b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "] + [b"a"] * seconds
    return await many(port, [slow] * amount, concurrency=amount, pause=1)


async def slow_body(port, amount, seconds):
    """Sends photos of 8 MiB at a byte a second; every other request is a GET with a body."""
    part = b'--X\r\nContent-Disposition: form-data; name="foto"; filename="f"\r\n\r\n'
    heads = itertools.cycle([head(8 << 20) + part, head(90_000, verb="GET")])
    slow = [[next(heads)] + [b"a"] * seconds for _ in range(amount)]
    return await many(port, slow, concurrency=amount, pause=1)


async def idle(port, amount, seconds):
    """Opens connections as fast as they are accepted, and sends nothing."""
    held, refused = [], 0
    for _ in range(amount):
        try:
            held.append(await asyncio.wait_for(connect(port), 5))
        except (OSError, asyncio.TimeoutError):
            refused += 1
    await asyncio.sleep(seconds)
    ended = sum(reader.at_eof() or reader.exception() is not None for reader, _ in held)
    for _, writer in held:
        writer.transport.abort()
    return collections.Counter({"held": len(held) - ended, "ended": ended + refused})


def garbled(chance):
    """Returns one request of garbage: random bytes, or a real request with bytes replaced."""
    kind = chance.randrange(4)
    if kind == 0:
        return chance.randbytes(chance.randrange(1, 2000)) + b"\r\n\r\n"
    path = chance.choice([PATH, "/", "/c/simulacro", "/r/", "/staff/login", "/api/v1/campaigns/x/chart", "/healthz"])
    verb = chance.choice(["GET", "POST", "PUT", "TRACE", "G\0T", "CONNECT", ""])
    request = bytearray(f"{verb} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n".encode())
    request += chance.choice([b"", b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"Content-Length: -1\r\n",
                              b"Content-Length: 5\r\nContent-Length: 6\r\n", b"Cookie: " + b"a=b;" * 3000 + b"\r\n"])
    request += b"\r\n" + chance.randbytes(chance.randrange(0, 200))
    for _ in range(chance.randrange(0, 8) if kind > 1 else 0):
        request[chance.randrange(len(request))] = chance.randrange(256)
    return bytes(request)


async def garbage(port, amount, _seconds):
    """Sends requests of random garbage, the same in every run."""
    chance = random.Random(20261125)
    requests = (([garbled(chance)]) for _ in range(amount))
    return await many(port, map(terminated, requests))


def terminated(pieces):
    """Appends an end to garbage, because most of it is an unfinished request whose answer would never come."""
    return [*pieces, b"\r\n\r\n", b"0\r\n\r\n" * 50]


async def image_bombs(port, amount, _seconds):
    """Sends photos that decompress to much more than their size."""
    photos = bombs.photos()
    forms = [bombs.form(photos[number % len(photos)], number) for number in range(amount)]
    return await many(port, [[head(len(form)), form] for form in forms], concurrency=8)


async def multipart(port, amount, _seconds):
    """Sends nested and endless multipart bodies."""
    kinds = [bombs.nested, bombs.many_parts, bombs.endless_part, bombs.endless_head, bombs.no_boundary]
    return await many(port, [[head(), *kinds[number % len(kinds)]()] for number in range(amount)], concurrency=8)


ATTACKS = {attack.__name__.replace("_", "-"): attack
           for attack in (slow_headers, slow_body, idle, garbage, image_bombs, multipart)}


def main(port, name, amount, seconds=15):
    """Runs one attack and prints its answers."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    amount = min(int(amount), hard - 200) if name == "idle" else int(amount)
    start = time.monotonic()
    answers = asyncio.run(ATTACKS[name](int(port), amount, int(seconds)))
    expected = REJECTIONS | (PAGES if name in ("garbage", "slow-headers") else set()) | ({"held"} if name == "idle" else set())
    took = round(time.monotonic() - start, 1)
    print(json.dumps({"attack": name, "port": int(port), "sent": amount, "seconds": took, "answers": answers}))
    return 0 if set(answers) <= expected else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
