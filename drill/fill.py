#!/usr/bin/python3
"""Fills the upload memory of instances and keeps it full: fill.py SECONDS PORT [PORT ...]

Each upload announces a size and never sends it, so that it takes its share of the memory and none of the network's. They
begin large and become small, until not even a small one is let in. Talks to 127.0.0.1 alone.
"""

import select
import socket
import sys
import time

SIZES = [8 << 20, 1 << 20, 128 << 10, 16 << 10]
MOST_UPLOADS = 400
SECONDS_TO_REFUSE = 0.05
REQUEST = (
    "POST /api/v1/campaigns/simulacro/registrations HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    "Content-Type: multipart/form-data; boundary=drill\r\nContent-Length: {}\r\n\r\n--drill\r\n"
)


def begin(port, size):
    """Begins an upload; returns None when it is refused at once."""
    upload = socket.create_connection(("127.0.0.1", port), timeout=5)
    upload.sendall(REQUEST.format(size).encode())
    answered, _, _ = select.select([upload], [], [], SECONDS_TO_REFUSE)
    if answered:
        upload.close()
        return None
    return upload


def fill(port, held):
    """Adds uploads to the held ones until the instance takes no more."""
    for size in SIZES:
        while len(held) < MOST_UPLOADS:
            upload = begin(port, size)
            if upload is None:
                break
            held.append(upload)


def main(seconds, ports):
    """Fills again and again what was set free, since the instances give up on slow uploads."""
    held = {port: [] for port in ports}
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for port, uploads in held.items():
            # One that was answered was given up on by the instance.
            over, _, _ = select.select(uploads, [], [], 0)
            for upload in over:
                upload.close()
                uploads.remove(upload)
            fill(port, uploads)
        time.sleep(0.1)
    print(", ".join(f"{len(uploads)} uploads held at {port}" for port, uploads in held.items()))


if __name__ == "__main__":
    main(float(sys.argv[1]), [int(port) for port in sys.argv[2:]])
