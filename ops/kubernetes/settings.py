"""Commands, settings and folders of the program: each check yields what is wrong."""

import pathlib
import re
from urllib.parse import parse_qs, urlsplit

from references import is_service

ROOT = pathlib.Path(__file__).resolve().parents[2]
# What the ports of the program are called, by setting.
LISTENERS = {"JORNADA_LISTEN": "http", "JORNADA_GRPC_LISTEN": "grpc", "JORNADA_OPS_LISTEN": "ops", "JORNADA_WATCH_LISTEN": "status"}
ROLES = {"serve": ("http", "grpc", "ops"), "consume": ("ops",), "watch": ("status",)}
# What a command must be told, because its default is for one machine, or differs on each instance.
PHOTOS = "JORNADA_PHOTO_KEY JORNADA_PHOTOS AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY"
REQUIRED = {command: set(names.split()) for command, names in {
    "serve": f"JORNADA_STORE JORNADA_CACHE JORNADA_QUEUE JORNADA_SECRET JORNADA_CAMPAIGNS JORNADA_PUBLIC_URL {PHOTOS}",
    "serve --read-only": f"JORNADA_STORE JORNADA_CACHE JORNADA_SECRET JORNADA_PUBLIC_URL {PHOTOS}",
    "consume": "JORNADA_STORE JORNADA_QUEUE JORNADA_SECRET JORNADA_CAMPAIGNS JORNADA_OPS_LISTEN JORNADA_INSTANCE",
    "watch": "JORNADA_CACHE JORNADA_WATCH JORNADA_WATCH_DATA JORNADA_WATCH_LISTEN JORNADA_INSTANCE "
             "JORNADA_SMTP JORNADA_MAIL_FROM JORNADA_MAIL_TO",
    "sweep": f"JORNADA_STORE JORNADA_SECRET JORNADA_CAMPAIGNS {PHOTOS}",
    "queue create": "JORNADA_QUEUE",
    "photos rewrap": "JORNADA_STORE JORNADA_PHOTO_KEY",
}.items()}
# What the containers of a workload run.
COMMANDS_OF = {
    "serve": ["serve"], "serve-direct": ["serve"], "consume": ["consume"], "watch": ["watch"], "sweep": ["sweep"],
    "prepare": ["queue create", "photos rewrap"],
}
# Without a mail server the watchers write files.
MAY_BE_EMPTY = {"JORNADA_SMTP", "JORNADA_MAIL_FROM", "JORNADA_MAIL_TO"}
# Of a value that is set and not empty. Local disks and the loopback address are of no use in a cluster.
PLAIN, HTTP, EVERYWHERE = r"http://[\w.-]+:\d+", r"https?://[\w.-]+(:\d+)?", r"(0\.0\.0\.0|\[::\]):\d+"
FORMS = {
    "JORNADA_STORE": r"mongodb(\+srv)?://.+", "JORNADA_CACHE": r"rediss?://.+", "JORNADA_QUEUE": r"direct:|(rediss?|kafka)://.+",
    "JORNADA_PHOTOS": r"s3://[a-z0-9.-]+\?.+", "JORNADA_PUBLIC_URL": HTTP, "JORNADA_LOKI": HTTP, "JORNADA_WATCH": f"{PLAIN}(,{PLAIN})*",
    "JORNADA_LISTEN": EVERYWHERE, "JORNADA_GRPC_LISTEN": f"none|http|{EVERYWHERE}", "JORNADA_OPS_LISTEN": EVERYWHERE,
    "JORNADA_WATCH_LISTEN": EVERYWHERE, "JORNADA_FORWARDED": r"\d|10", "JORNADA_ADMIN_TOTP": "required|optional",
    "JORNADA_LOG_FORMAT": "text|json", "JORNADA_WATCH_LOST": r"\d+(ms|s|m|h|d)",
}
# Folders of a container by the name of its workload, and what is mounted there: files, memory of a pod, or a disk that stays.
FILES, PASSING, LASTING = "configMap", "emptyDir", "claim"
FOLDERS = {
    "serve": {"/campaigns": FILES, "/tmp": PASSING}, "serve-direct": {"/campaigns": FILES, "/tmp": PASSING},
    "consume": {"/campaigns": FILES}, "sweep": {"/campaigns": FILES, "/tmp": PASSING}, "watch": {"/data": LASTING},
    "nginx": {"/etc/nginx": FILES, "/var/cache/nginx": PASSING}, "mongodb-init": {"/init": FILES, "/tmp": PASSING},
    "mongodb": {"/data/db": LASTING, "/tmp": PASSING}, "redis": {"/data": LASTING, "/tmp": PASSING},
    "seaweedfs": {"/data": LASTING, "/tmp": PASSING},
}


def contract(name):
    """Returns the lines of a golden file of the names that stay stable."""
    return (ROOT / "tests/contract" / name).read_text(encoding="utf-8").splitlines()


SETTINGS = {line.split()[1] for line in contract("settings.txt") if line.startswith("program ")}
# Read by the libraries of TLS.
SETTINGS |= {"SSL_CERT_FILE"}
COMMANDS = {line for line in contract("commands.txt") if line.startswith("jornada")}


def environment(objects, secrets, container):
    """Returns the variables of a container."""
    found = {}
    for source in container.get("envFrom", []):
        item = objects.find("ConfigMap", source.get("configMapRef", {}).get("name"))
        found |= (item or {}).get("data", {})
    for variable in container.get("env", []):
        reference = variable.get("valueFrom", {}).get("secretKeyRef")
        if reference is None:
            found[variable["name"]] = variable.get("value", "x" if variable.get("valueFrom") else "")
        else:
            found[variable["name"]] = secrets.get(reference["name"], {}).get(reference["key"], "")
    return found


def command_errors(arguments, found):
    """Yields what is wrong with the arguments of the program, and which settings it lacks or does not have."""
    words = [word for word in arguments if not word.startswith("-") and not word.isdigit()]
    if "jornada " + " ".join(words) not in COMMANDS:
        yield f"no command {' '.join(arguments)}"
    for flag in (word for word in arguments if word.startswith("--")):
        if not any(line.startswith(f"jornada {' '.join(words)} {flag} ") for line in COMMANDS):
            yield f"{' '.join(words)} has no {flag}"
    key = "serve --read-only" if "--read-only" in arguments else " ".join(words)
    for name in sorted(REQUIRED.get(key, set()) - {name for name, value in found.items() if value or name in MAY_BE_EMPTY}):
        yield f"{key} has no {name}"
    for name in found:
        if name not in SETTINGS:
            yield f"{name} is not a setting"


def value_errors(found):
    """Yields which settings have values that are of no use."""
    for name, form in FORMS.items():
        if found.get(name) and not re.fullmatch(form, found[name]):
            yield f"the value of {name} is of no use"


def settings(objects, secrets):
    """Commands and settings of the program exist, its ports are those of its pods, and its URLs lead to Services."""
    for pod in objects.pods():
        if pod.labels.get("app.kubernetes.io/name") != "jornada":
            continue
        run = [" ".join(container.get("args", ["serve"])).partition(" --")[0] for container in pod.containers()]
        if run != COMMANDS_OF[pod.component]:
            yield f"{pod.name}: runs {', '.join(run) or 'nothing'}"
        for container in pod.containers():
            arguments = container.get("args", ["serve"])
            found = environment(objects, secrets, container)
            if "command" in container:
                yield f"{pod.name}: another command than that of the image"
            for error in (*command_errors(arguments, found), *value_errors(found)):
                yield f"{pod.name}: {error}"
            for variable in container.get("env", []):
                key = variable.get("valueFrom", {}).get("secretKeyRef", {}).get("key", variable["name"])
                if key != variable["name"]:
                    yield f"{pod.name}: {variable['name']} gets the value of {key}"
            for setting, port in LISTENERS.items():
                number = found.get(setting, "0:0").rpartition(":")[2]
                if port in ROLES.get(arguments[0], ()) and str(pod.ports().get(port)) != number:
                    yield f"{pod.name}: port {port} is not that of {setting}"
            yield from addresses(objects, pod.name, found)


def addresses(objects, name, found):
    """Checks that the URLs of settings that name a Service name its port."""
    urls = [url for key in ("JORNADA_WATCH", "JORNADA_WATCH_ALSO") for url in found.get(key, "").split(",") if url]
    urls += [url for url in (found.get("JORNADA_CACHE"), found.get("JORNADA_QUEUE")) if url]
    urls += [f"mongodb://{host}" for host in re.findall(r"[\w.-]+:\d+(?=[,/])", found.get("JORNADA_STORE", ""))]
    urls += parse_qs(urlsplit(found.get("JORNADA_PHOTOS", "")).query).get("endpoint", [])
    for url in urls:
        parts = urlsplit(url.split(",")[0])
        if not parts.hostname or parts.hostname.count(".") >= 2:
            continue  # outside the cluster
        if not is_service(objects, parts.hostname, parts.port or 80):
            yield f"{name}: {parts.hostname}:{parts.port} is no port of a Service"


def folders(objects, secrets):
    """Each folder that a program reads or writes is mounted, and named to it."""
    for pod in objects.pods():
        kinds = {volume["name"]: next(key for key in volume if key != "name") for volume in pod.spec.get("volumes", [])}
        kinds |= {claim["metadata"]["name"]: LASTING for claim in pod.workload["spec"].get("volumeClaimTemplates", [])}
        for container in pod.containers():
            found = {mount["mountPath"]: kinds.get(mount["name"]) for mount in container.get("volumeMounts", [])}
            for path, kind in FOLDERS.get(pod.workload["metadata"]["name"], {}).items():
                if found.get(path) != kind:
                    yield f"{pod.name}: nothing of the kind {kind} is mounted at {path}"
            variables = environment(objects, secrets, container)
            told = " ".join(map(str, [*container.get("command", []), *container.get("args", []), *variables.values()]))
            for path, kind in found.items():
                is_default = path == "/tmp" and pod.labels.get("app.kubernetes.io/name") == "jornada"
                if not is_default and not re.search(rf"(^|[ =>]){path}([ /]|$)", told):
                    yield f"{pod.name}: nobody tells it to use {path}"
                if kind == LASTING and "fsGroup" not in pod.spec["securityContext"]:
                    yield f"{pod.name}: no fsGroup, so that it may not write to {path}"
            campaigns = variables.get("JORNADA_CAMPAIGNS")
            if pod.component in ("serve", "serve-direct", "consume", "sweep") and campaigns not in found:
                yield f"{pod.name}: no campaigns in {campaigns}"


def nginx(objects, secrets):
    """nginx finds the files that it includes, and the instances take the client's address from it, wherever its pods are."""
    serve = next(pod for pod in objects.pods() if pod.component == "serve").containers()[0]
    proxies = environment(objects, secrets, serve).get("JORNADA_PROXY", "").split(",")
    for pod in objects.pods():
        for volume in pod.spec.get("volumes", []) if pod.component == "nginx" else []:
            item = objects.find("ConfigMap", volume.get("configMap", {}).get("name"))
            if item is None:
                continue
            paths = {one["path"] for one in volume["configMap"].get("items", [])}
            for name in {"nginx.conf", *re.findall(r"(?m)^\s*include (here/\S+);", item["data"]["nginx.conf"])} - paths:
                yield f"{pod.name}: nginx finds no {name}"
            for network in re.findall(r"set_real_ip_from (\S+);", item["data"]["http.conf"]):
                if network not in proxies:
                    yield f"JORNADA_PROXY lacks {network}, in which nginx may be"


CHECKS_WITH_SECRETS = (settings, folders, nginx)
