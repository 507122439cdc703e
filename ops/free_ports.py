#!/usr/bin/python3
"""Prints the requested number of free loopback ports: free_ports.py COUNT. Or checks one port, with exit code 0 if a
server could listen on it: free_ports.py --is-free PORT

The ports are below the ephemeral range, so that no client takes one before its server starts. Port + 10000 is also free:
SeaweedFS listens there for gRPC.
"""

import random
import socket
import sys


def is_free(port):
    """Returns whether a server can listen on this port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def main(count):
    """Prints the ports on one line."""
    candidates = random.sample(range(12000, 22000), 2000)
    free = (port for port in candidates if is_free(port) and is_free(port + 10000))
    print(*(next(free) for _ in range(count)))


if __name__ == "__main__":
    if sys.argv[1] == "--is-free":
        sys.exit(not is_free(int(sys.argv[2])))
    main(int(sys.argv[1]))
