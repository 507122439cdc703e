#!/usr/bin/python3
"""Writes the dashboards: build.py FOLDER. With --check it writes nothing and tells whether they are as it would.

What is on them stands in servicios.py, campana.py and registros.py beside this file, what they are made of in
panels.py. People read them: their words are Spanish.
"""

import json
import pathlib
import sys

import campana
import registros
import servicios

DASHBOARDS = {"servicios": servicios, "campana": campana, "registros": registros}


def main(folder, check):
    """Writes or compares each; returns the exit code."""
    stale = []
    for name, module in DASHBOARDS.items():
        path = pathlib.Path(folder) / f"{name}.json"
        text = json.dumps(module.dashboard(), ensure_ascii=False, indent=2) + "\n"
        if not check:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(path)
    for path in stale:
        print(f"{path} is not what its source says: python3 grafana/build.py {folder}", file=sys.stderr)
    return bool(stale)


if __name__ == "__main__":
    sys.exit(main(sys.argv[-1], "--check" in sys.argv))
