#!/usr/bin/python3
"""Fills the upload memory of instances and keeps it full: fill.py SECONDS PORT:OPS_PORT [PORT:OPS_PORT ...]

Each upload sends its photo but for the last bytes, so that it holds memory and does not end. They begin large and become
small, until the instance's own count grows no more. Talks to 127.0.0.1 alone.
"""

import select
import socket
import sys
import threading
import time
import urllib.request

# The largest photo that is taken, and smaller ones for what is left.
SIZES = [8 << 20, 1 << 20, 128 << 10, 16 << 10]
MOST_UPLOADS = 400
MISSING = 1000
SECONDS_TO_SEND = 5
SECONDS_TO_READ = 0.3
PART = b'--drill\r\nContent-Disposition: form-data; name="foto"; filename="f"\r\n\r\n'
HEAD = (
    "POST /api/v1/campaigns/simulacro/registrations HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    "Content-Type: multipart/form-data; boundary=drill\r\nContent-Length: {}\r\n\r\n"
)


def in_use(ops):
    """Bytes of upload memory that an instance holds."""
    with urllib.request.urlopen(f"http://127.0.0.1:{ops}/metrics", timeout=SECONDS_TO_SEND) as metrics:
        return next(int(line.split()[1]) for line in metrics.read().decode().splitlines() if line.startswith("jornada_upload_bytes "))


def begin(port, ops, size):
    """Sends an upload without its end; returns None when there is no memory for it."""
    enough = in_use(ops) + size // 2
    upload = socket.create_connection(("127.0.0.1", port), timeout=SECONDS_TO_SEND)
    try:
        upload.sendall(HEAD.format(len(PART) + size).encode() + PART + bytes(size - MISSING))
    except OSError:
        pass
    deadline = time.monotonic() + SECONDS_TO_READ
    while in_use(ops) < enough:
        if time.monotonic() > deadline:
            upload.close()
            return None
    return upload


def fill(port, ops, held):
    """Adds uploads to the held ones until the instance takes no more."""
    for size in SIZES:
        while len(held) < MOST_UPLOADS:
            upload = begin(port, ops, size)
            if upload is None:
                break
            held.append(upload)


def keep_full(port, ops, deadline):
    """Fills again and again what was set free, since an instance gives up on slow uploads."""
    held = []
    while time.monotonic() < deadline:
        # One that was answered was given up on by the instance.
        over, _, _ = select.select(held, [], [], 0)
        for upload in over:
            upload.close()
            held.remove(upload)
        fill(port, ops, held)
        time.sleep(0.1)
    print(f"{len(held)} uploads hold {in_use(ops) >> 20} MiB at {port}")


def main(seconds, doors):
    """Keeps all of them full at once."""
    deadline = time.monotonic() + float(seconds)
    filling = [threading.Thread(target=keep_full, args=(*map(int, door.split(":")), deadline)) for door in doors]
    for thread in filling:
        thread.start()
    for thread in filling:
        thread.join()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
