"""Builds panels in Grafana's JSON format and lays them out from left to right and line by line."""

PROMETHEUS = {"type": "prometheus", "uid": "jornada-prometheus"}
LOKI = {"type": "loki", "uid": "jornada-loki"}
SCHEMA_VERSION = 41
COLUMNS = 24

UP_DOWN = [
    {
        "type": "value",
        "options": {
            "0": {"text": "Caída", "color": "red", "index": 0},
            "1": {"text": "En pie", "color": "green", "index": 1},
        },
    }
]


def steps(*limits):
    """Returns thresholds: green, and from each limit on the given colour. `limits` are pairs of colour and value."""
    coloured = [{"color": "green", "value": None}]
    return {"mode": "absolute", "steps": coloured + [{"color": color, "value": value} for value, color in limits]}


def panel(kind, title, description, unit, queries, width=8, height=8, source=PROMETHEUS, **more):
    """Returns a panel. `queries` are pairs of expression and legend; `more`: defaults, custom, options, format."""
    form = more.get("format", "time_series")
    targets = [
        {
            "refId": chr(ord("A") + number),
            "datasource": source,
            "expr": expression,
            "legendFormat": legend,
            **({"format": form, "instant": kind in ("stat", "bargauge"), "range": kind not in ("stat", "bargauge")}
               if source is PROMETHEUS else {"queryType": "range"}),
        }
        for number, (expression, legend) in enumerate(queries)
    ]
    defaults = {"unit": unit, "custom": more.get("custom", {}), **more.get("defaults", {})}
    return {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": source,
        "gridPos": {"w": width, "h": height},
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": more.get("options", {}),
        "targets": targets,
    }


def lines(title, description, unit, *queries, stacked=False, **more):
    """Returns a panel of values over time."""
    custom = {"fillOpacity": 10, "showPoints": "never", "lineWidth": 1}
    if stacked:
        custom |= {"stacking": {"mode": "normal", "group": "A"}, "fillOpacity": 30}
    options = {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    more["defaults"] = {"min": 0} | more.get("defaults", {})
    return panel("timeseries", title, description, unit, queries, custom=custom, options=options, **more)


def number(title, description, unit, *queries, width=4, thresholds=None, **more):
    """Returns a panel with one number for each series."""
    defaults = {"thresholds": thresholds or steps(), "color": {"mode": "thresholds"}} | more.pop("defaults", {})
    options = {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "value", "graphMode": "none", "textMode": "auto"}
    return panel("stat", title, description, unit, queries, width, 4, defaults=defaults, options=options, **more)


def states(title, description, *queries, width=12, **more):
    """Returns a panel of up and down over time, one line for each series."""
    defaults = {"mappings": UP_DOWN, "color": {"mode": "thresholds"}, "thresholds": steps()}
    options = {"mergeValues": True, "showValue": "never", "rowHeight": 0.8}
    custom = {"fillOpacity": 80, "lineWidth": 0}
    return panel("state-timeline", title, description, "none", queries, width, defaults=defaults, options=options,
                 custom=custom, **more)


def bars(title, description, unit, *queries, **more):
    """Returns a panel of the latest values as bars, one for each series."""
    options = {"orientation": "horizontal", "displayMode": "basic", "reduceOptions": {"calcs": ["lastNotNull"]}}
    defaults = {"min": 0, "thresholds": steps(), "color": {"mode": "palette-classic"}} | more.pop("defaults", {})
    return panel("bargauge", title, description, unit, queries, options=options, defaults=defaults, **more)


def heat(title, description, unit, expression, **more):
    """Returns a heat map of a histogram's buckets over time."""
    options = {"calculate": False, "yAxis": {"unit": unit}, "color": {"scheme": "Turbo", "mode": "scheme", "steps": 64},
               "cellGap": 1, "tooltip": {"mode": "single", "yHistogram": True}}
    return panel("heatmap", title, description, unit, [(expression, "{{le}}")], format="heatmap", options=options, **more)


def logs(title, description, expression, width=24, height=10):
    """Returns a panel of log lines."""
    options = {"showTime": True, "wrapLogMessage": True, "enableLogDetails": True, "sortOrder": "Descending"}
    return panel("logs", title, description, "none", [(expression, "")], width, height, LOKI, options=options)


def row(title):
    """Returns a heading."""
    return {"type": "row", "title": title, "collapsed": False, "panels": [], "gridPos": {"w": COLUMNS, "h": 1}}


def laid_out(panels):
    """Sets the id and the position of every panel."""
    x = y = line = 0
    for identity, one in enumerate(panels, start=1):
        place = one["gridPos"]
        if x + place["w"] > COLUMNS:
            x, y, line = 0, y + line, 0
        one["id"] = identity
        one["gridPos"] = {"x": x, "y": y, **place}
        x, line = x + place["w"], max(line, place["h"])
    return panels


def variable(name, label, source, query, **more):
    """Returns a variable with values from a data source; initially all of them are selected."""
    return {
        "type": "query", "name": name, "label": label, "datasource": source, "query": query, "refresh": 2, "sort": 1,
        "multi": True, "includeAll": True, "allValue": ".*",
        "current": {"text": ["All"], "value": ["$__all"]}, **more,
    }


def dashboard(uid, title, description, variables, panels, span="now-1h"):
    """Returns a whole dashboard."""
    return {
        "uid": uid, "title": title, "description": description, "tags": ["jornada"], "schemaVersion": SCHEMA_VERSION,
        "editable": True, "graphTooltip": 1, "refresh": "10s", "timezone": "browser", "weekStart": "",
        "time": {"from": span, "to": "now"}, "timepicker": {}, "fiscalYearStartMonth": 0, "id": None, "version": 1,
        "annotations": {"list": []},
        "links": [{"type": "dashboards", "title": "Jornada", "tags": ["jornada"], "asDropdown": False,
                   "includeVars": False, "keepTime": True, "targetBlank": False, "icon": "external link",
                   "tooltip": "", "url": ""}],
        "templating": {"list": variables},
        "panels": laid_out(panels),
    }
