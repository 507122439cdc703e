#!/usr/bin/python3
"""Attacks an instance, directly or through nginx: hostile.py PORT ATTACK AMOUNT [SECONDS]

Prints one line of what was sent and how it was answered, as JSON. Every attack ends by itself. Talks to 127.0.0.1 alone,
from addresses of loopback that nothing else uses, on invented data.

Exit code 0: the attack got nowhere, as far as its own answers show. What others noticed is measured by others.py.
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

# Several, since 100,000 connections need more ports than one has.
ATTACKERS = itertools.cycle(f"127.0.0.{number}" for number in range(66, 82))
PATH = "/api/v1/campaigns/simulacro/registrations"
SECONDS_TO_ANSWER = 60
AT_ONCE = 64
# A refusal, a full house, or a connection that was ended.
REFUSALS = {"400", "403", "404", "405", "408", "411", "413", "414", "415", "421", "422", "429", "431", "501", "503", "505", "ended"}
# Garbage may by chance be a request for a page.
PAGES = {"200", "301", "303", "304"}


def head(length=None, kind="multipart/form-data; boundary=X", verb="POST"):
    """The head of a registration."""
    body = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    return f"{verb} {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\nConnection: close\r\n{body}\r\n\r\n".encode()


async def connect(port):
    """A connection from one of the attacker's addresses."""
    return await asyncio.open_connection("127.0.0.1", port, local_addr=(next(ATTACKERS), 0))


async def answer(reader):
    """The status of an answer, or that the connection ended without one."""
    try:
        line = await asyncio.wait_for(reader.readline(), SECONDS_TO_ANSWER)
    except (ConnectionError, ValueError):
        return "ended"
    except asyncio.TimeoutError:
        return "silence"
    words = line.split()
    return words[1].decode("ascii", "replace") if len(words) > 1 and line.startswith(b"HTTP/") else "ended"


async def exchange(port, pieces, pause=0):
    """Sends pieces and reads the status; stops sending once there is an answer."""
    try:
        reader, writer = await connect(port)
    except ConnectionError:
        return "ended"
    told = asyncio.ensure_future(answer(reader))
    try:
        for piece in pieces:
            if told.done():
                break
            writer.write(piece)
            await writer.drain()
            if pause:
                await asyncio.wait([told], timeout=pause)
    except OSError:
        pass
    status = await told
    writer.close()
    return status


async def many(port, requests, at_once=AT_ONCE, pause=0):
    """Sends many requests, some at once, and counts their answers."""
    answers = collections.Counter()
    waiting = iter(requests)

    async def worker():
        for pieces in waiting:
            answers[await exchange(port, pieces, pause)] += 1

    await asyncio.gather(*(worker() for _ in range(at_once)))
    return answers


async def slow_headers(port, amount, seconds):
    """Heads that come a byte a second."""
    slow = [b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "] + [b"a"] * seconds
    return await many(port, [slow] * amount, at_once=amount, pause=1)


async def slow_body(port, amount, seconds):
    """Photos of 8 MiB that come a byte a second, and every other time a body that nobody asked for."""
    part = b'--X\r\nContent-Disposition: form-data; name="foto"; filename="f"\r\n\r\n'
    heads = itertools.cycle([head(8 << 20) + part, head(90_000, verb="GET")])
    slow = [[next(heads)] + [b"a"] * seconds for _ in range(amount)]
    return await many(port, slow, at_once=amount, pause=1)


async def idle(port, amount, seconds):
    """Connections that say nothing; opened as fast as they are taken."""
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
    """One request of garbage: noise, or a real request with bytes replaced, cut or doubled."""
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
    """Requests of random garbage, the same on every run."""
    chance = random.Random(20261125)
    ends = (([garbled(chance)]) for _ in range(amount))
    return await many(port, map(impatient, ends))


def impatient(pieces):
    """Most garbage is a request that does not end: closed from this side, so that its answer is not waited for."""
    return [*pieces, b"\r\n\r\n", b"0\r\n\r\n" * 50]


async def image_bombs(port, amount, _seconds):
    """Photos that unfold to more than they show."""
    photos = bombs.photos()
    forms = [bombs.form(photos[number % len(photos)], number) for number in range(amount)]
    return await many(port, [[head(len(form)), form] for form in forms], at_once=8)


async def multipart(port, amount, _seconds):
    """Bodies nested in bodies, and such that do not end."""
    kinds = [bombs.nested, bombs.many_parts, bombs.endless_part, bombs.endless_head, bombs.no_boundary]
    return await many(port, [[head(), *kinds[number % len(kinds)]()] for number in range(amount)], at_once=8)


ATTACKS = {attack.__name__.replace("_", "-"): attack
           for attack in (slow_headers, slow_body, idle, garbage, image_bombs, multipart)}


def main(port, name, amount, seconds=15):
    """Runs one attack and tells its answers."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    amount = min(int(amount), hard - 200) if name == "idle" else int(amount)
    begun = time.monotonic()
    answers = asyncio.run(ATTACKS[name](int(port), amount, int(seconds)))
    fine = REFUSALS | (PAGES if name in ("garbage", "slow-headers") else set()) | ({"held"} if name == "idle" else set())
    took = round(time.monotonic() - begun, 1)
    print(json.dumps({"attack": name, "port": int(port), "sent": amount, "seconds": took, "answers": answers}))
    return 0 if set(answers) <= fine else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
