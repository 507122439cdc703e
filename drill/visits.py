#!/usr/bin/python3
"""Visits pages of the site until SIGTERM, twenty a second, each on a new connection: visits.py URL JOURNAL

JOURNAL is the file of `jornada load run`, from which it takes a receipt. Prints a JSON summary: number of visits, how many had
another status than 200, and the longest in milliseconds.
"""

import json
import re
import signal
import sys
import threading
import time
import urllib.error
import urllib.request

INTERVAL_SECONDS = 0.05
TIMEOUT_SECONDS = 30
CAMPAIGN = "simulacro"
# Patience until the load has its first receipt.
SECONDS_TO_RECEIPT = 10


def fetch(url):
    """Returns the status of a page, 0 without an answer, and its text."""
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""
    except OSError:
        return 0, ""


def first_receipt(journal):
    """Returns the number of the first receipt in a journal."""
    deadline = time.monotonic() + SECONDS_TO_RECEIPT
    while time.monotonic() < deadline:
        with open(journal, encoding="utf-8") as lines:
            found = re.search(r'"receipt":"([^"]+)"', lines.read())
        if found:
            return found[1]
        time.sleep(0.1)
    sys.exit(f"{journal} has no receipt")


def main(site, journal):
    """Visits form, chart, API, a static file and a receipt in turn."""
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    form = f"{site}/c/{CAMPAIGN}"
    static = re.search(r'"(/static/[^"]+)"', fetch(form)[1])[1]
    api = f"{site}/api/v1/campaigns/{CAMPAIGN}/chart"
    pages = [form, f"{form}/chart", api, site + static, f"{site}/r/{first_receipt(journal)}"]
    visits, threads = [], []

    def visit(page):
        start = time.monotonic()
        status, _ = fetch(page)
        visits.append((time.monotonic() - start, status, page.removeprefix(site)))

    print("visiting", file=sys.stderr, flush=True)
    while not stopped.wait(INTERVAL_SECONDS):
        threads.append(threading.Thread(target=visit, args=(pages[len(threads) % len(pages)],), daemon=True))
        threads[-1].start()
    for thread in threads:
        thread.join(TIMEOUT_SECONDS)
    seconds, status, page = max(visits)
    failures = sorted({f"{page} {status}" for _, status, page in visits if status != 200})
    failed = sum(status != 200 for _, status, _ in visits) + len(threads) - len(visits)
    longest = {"longest_ms": round(seconds * 1000), "longest_page": f"{page.split('/')[1]} {status}"}
    print(json.dumps({"visits": len(threads), "failed": failed, "failures": failures[:5], **longest}))


if __name__ == "__main__":
    main(*sys.argv[1:])
