#!/usr/bin/python3
"""Generates the dashboards: build.py FOLDER. With --check it writes nothing and checks that they are up to date.

Their content is in servicios.py, campana.py, votaciones.py and registros.py beside this file, the kinds of panels in panels.py.
Texts on the dashboards are Spanish, for their users.
"""

import json
import pathlib
import sys

import campana
import registros
import servicios
import votaciones

DASHBOARDS = {"servicios": servicios, "campana": campana, "votaciones": votaciones, "registros": registros}


def main(folder, check):
    """Writes or compares each dashboard; returns the exit code."""
    stale = []
    for name, module in DASHBOARDS.items():
        path = pathlib.Path(folder) / f"{name}.json"
        text = json.dumps(module.dashboard(), ensure_ascii=False, indent=2) + "\n"
        if not check:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(path)
    for path in stale:
        print(f"{path} is out of date: python3 grafana/build.py {folder}", file=sys.stderr)
    return bool(stale)


if __name__ == "__main__":
    sys.exit(main(sys.argv[-1], "--check" in sys.argv))
