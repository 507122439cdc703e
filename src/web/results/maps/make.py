"""Makes one file of a country from its TopoJSON: the size of the picture, then one line for each department, with its name and
the data of an SVG path. Usage: python3 make.py gtm.topo.json > guatemala.tsv"""

import json
import math
import sys

WIDTH = 340
NAMES = {"Quezaltenango": "Quetzaltenango", "Bogota": "Bogotá D.C."}


def arcs(topology):
    (sx, sy), (tx, ty) = topology["transform"]["scale"], topology["transform"]["translate"]
    for arc in topology["arcs"]:
        x = y = 0
        points = []
        for dx, dy in arc:
            x, y = x + dx, y + dy
            points.append((x * sx + tx, y * sy + ty))
        yield points


def rings(geometry, known):
    polygons = geometry["arcs"] if geometry["type"] == "MultiPolygon" else [geometry["arcs"]]
    for ring in (ring for polygon in polygons for ring in polygon):
        points = []
        for arc in ring:
            points += known[arc] if arc >= 0 else reversed(known[~arc])
        yield points


def main():
    topology = json.load(open(sys.argv[1], encoding="utf-8"))
    known = list(arcs(topology))
    (shapes,) = topology["objects"].values()
    shapes = {g["properties"]["name"]: list(rings(g, known)) for g in shapes["geometries"] if g["properties"].get("name")}
    # San Andrés and Providencia lie 700 km off the coast and are tiny: moved nearer and drawn eight times as large.
    if islands := shapes.get("San Andrés y Providencia"):
        near = [[(ring[0], point) for point in ring] for ring in islands]
        shapes["San Andrés y Providencia"] = [[(x0 + 3 + 8 * (x - x0), y0 - 1.5 + 8 * (y - y0)) for (x0, y0), (x, y) in ring] for ring in near]
    points = [point for shape in shapes.values() for ring in shape for point in ring]
    left, right = min(x for x, _ in points), max(x for x, _ in points)
    low, high = min(y for _, y in points), max(y for _, y in points)
    scale = WIDTH / (right - left)
    stretch = scale / math.cos(math.radians((low + high) / 2))
    print(f"{WIDTH}\t{math.ceil((high - low) * stretch)}")
    for name, shape in sorted(shapes.items()):
        path = ""
        for ring in shape:
            last, drawn = None, []
            for x, y in ring:
                at = (round((x - left) * scale, 1), round((high - y) * stretch, 1))
                if last is None or abs(at[0] - last[0]) + abs(at[1] - last[1]) >= 1.4:
                    drawn.append(at)
                    last = at
            if len(drawn) > 2:
                path += "M" + " ".join(f"{x:g},{y:g}" for x, y in drawn) + "Z"
        print(f"{NAMES.get(name, name)}\t{path}")


main()
