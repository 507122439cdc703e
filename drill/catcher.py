#!/usr/bin/python3
"""An SMTP server that accepts every mail and writes a line of JSON for each: catcher.py PORT FILE

Each line has the time (Unix time in seconds), the subject and the Message-ID. Ends at SIGTERM; after that nothing listens
on the port, as when a mail server is unavailable. Needs Debian's python3-aiosmtpd.
"""

import email
import email.policy
import json
import signal
import sys
import time

from aiosmtpd.controller import Controller


class Catcher:
    """Records each mail before it acknowledges it."""

    def __init__(self, path):
        self.path = path

    async def handle_DATA(self, _server, _session, envelope):  # pylint: disable=invalid-name
        """Accepts one mail."""
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        line = {"at": time.time(), "subject": mail["subject"], "id": mail["message-id"]}
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
        return "250 taken"


if __name__ == "__main__":
    controller = Controller(Catcher(sys.argv[2]), hostname="127.0.0.1", port=int(sys.argv[1]))
    controller.start()
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    controller.stop()
