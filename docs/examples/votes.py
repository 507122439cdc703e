#!/usr/bin/python3
"""Sends a vote, and a batch of votes, each exactly once: whatever is not acknowledged is sent again with the same key.

votes.py RUN    RUN is a name that no other run has had, or that of a run to be repeated
"""
import json
import os
import sys
import time
import urllib.error
import urllib.request

SITE = os.environ.get("JORNADA_SITE", "http://127.0.0.1:4000")
CAMPAIGN = os.environ.get("JORNADA_CAMPAIGN", "elecciones")
TRIES = 8
REPEATED = {408, 429, 502, 503, 504}


def send(path, key, votes):
    """Sends votes until they are durable. Returns the answer."""
    headers = {"Content-Type": "application/json", "Idempotency-Key": key}
    if token := os.environ.get("JORNADA_TOKEN"):
        headers["Authorization"] = f"Bearer {token}"
    url = f"{SITE}/api/v1/campaigns/{CAMPAIGN}/{path}"
    for _ in range(TRIES):
        pause = 1
        try:
            request = urllib.request.Request(url, json.dumps(votes).encode(), headers)
            with urllib.request.urlopen(request, timeout=20) as response:
                answer = json.load(response)
                pause = float(response.headers.get("Retry-After", 1))
                if all(result["status"] != "unavailable" for result in answer.get("results", [])):
                    return answer
        except urllib.error.HTTPError as error:
            if error.code not in REPEATED:
                sys.exit(f"{error.code}: {error.read().decode()}")
            pause = float(error.headers.get("Retry-After", 1))
        except OSError as error:
            print(f"sent again: {error}", file=sys.stderr)
        time.sleep(pause)
    sys.exit("not acknowledged: run this again with the same name")


def main(run):
    """Sends three votes."""
    vote = {"sede": 17, "departamento": "Guatemala", "municipio": "Mixco", "papeleta": "Blanca", "partido": "UNE"}
    print(send("votes", f"{run}-mesa-17", vote))
    # Vote number i of a batch has the key "{run}-mesa-18/{i}".
    batch = [vote | {"sede": 18}, vote | {"sede": 18, "papeleta": "Verde", "partido": "SEMILLA"}]
    print(send("votes/batch", f"{run}-mesa-18", batch))


if __name__ == "__main__":
    main(*sys.argv[1:])
