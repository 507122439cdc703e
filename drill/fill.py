#!/usr/bin/python3
"""Fills the upload memory of instances and keeps it full: fill.py SECONDS PORT:OPS_PORT [PORT:OPS_PORT ...]

Each upload sends its photo except the last bytes, so that it occupies memory and does not end. Large uploads come first,
then smaller ones, until the instance's own count no longer grows. Connects only to 127.0.0.1.
"""

import select
import socket
import sys
import threading
import time
import urllib.request

# The largest accepted photo, and smaller ones for the remaining memory.
SIZES = [8 << 20, 1 << 20, 128 << 10, 16 << 10]
MAX_UPLOADS = 400
MISSING = 1000
SECONDS_TO_SEND = 5
SECONDS_TO_READ = 0.3
PART = b'--drill\r\nContent-Disposition: form-data; name="foto"; filename="f"\r\n\r\n'
HEAD = (
    "POST /api/v1/campaigns/simulacro/registrations HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    "Content-Type: multipart/form-data; boundary=drill\r\nContent-Length: {}\r\n\r\n"
)


def upload_bytes(ops):
    """Returns the bytes of upload memory in use on an instance."""
    with urllib.request.urlopen(f"http://127.0.0.1:{ops}/metrics", timeout=SECONDS_TO_SEND) as metrics:
        return next(int(line.split()[1]) for line in metrics.read().decode().splitlines() if line.startswith("jornada_upload_bytes "))


def start_upload(port, ops, size):
    """Sends an upload without its end. Returns None if there is no memory for it."""
    enough = upload_bytes(ops) + size // 2
    upload = socket.create_connection(("127.0.0.1", port), timeout=SECONDS_TO_SEND)
    try:
        upload.sendall(HEAD.format(len(PART) + size).encode() + PART + bytes(size - MISSING))
    except OSError:
        pass
    deadline = time.monotonic() + SECONDS_TO_READ
    while upload_bytes(ops) < enough:
        if time.monotonic() > deadline:
            upload.close()
            return None
    return upload


def fill(port, ops, held):
    """Adds uploads to the held ones until the instance accepts no more."""
    for size in SIZES:
        while len(held) < MAX_UPLOADS:
            upload = start_upload(port, ops, size)
            if upload is None:
                break
            held.append(upload)


def keep_full(port, ops, deadline):
    """Refills freed memory repeatedly, because an instance aborts slow uploads."""
    held = []
    while time.monotonic() < deadline:
        # An answer means that the instance has aborted the upload.
        aborted, _, _ = select.select(held, [], [], 0)
        for upload in aborted:
            upload.close()
            held.remove(upload)
        fill(port, ops, held)
        time.sleep(0.1)
    print(f"{len(held)} uploads occupy {upload_bytes(ops) >> 20} MiB at {port}")


def main(seconds, instances):
    """Keeps the memory of all instances full at the same time."""
    deadline = time.monotonic() + float(seconds)
    filling = [threading.Thread(target=keep_full, args=(*map(int, instance.split(":")), deadline)) for instance in instances]
    for thread in filling:
        thread.start()
    for thread in filling:
        thread.join()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
