"""What stands in docker/, read."""

import re
from pathlib import Path

import yaml

from docs.generate.settings import variable_names
from tests.architecture.sources import ROOT

DOCKER = ROOT / "docker"
ENTRYPOINT = DOCKER / "entrypoint.sh"
ROLES = ("web", "worker", "beat", "migrate", "standalone", "wait", "health")
PORT = 8848
OF_THE_INTERPRETER = {"PATH", "PYTHONUNBUFFERED"}
OF_THE_ENTRYPOINT = {"ROLE_FILE"}


def compose(name):
    """Return a compose file, without its fragments (``x-...``)."""
    content = yaml.safe_load((DOCKER / name).read_text(encoding="utf-8"))
    return {key: value for key, value in content.items() if not key.startswith("x-")}


def manifests():
    """Return (file, manifest) for every Kubernetes document."""
    return [
        (file.name, document)
        for file in sorted((DOCKER / "k8s").glob("*.yaml"))
        for document in yaml.safe_load_all(file.read_text(encoding="utf-8"))
    ]


def manifest(kind, name):
    """Return the one manifest of this kind and name."""
    return next(
        each
        for _, each in manifests()
        if "metadata" in each and (each["kind"], each["metadata"]["name"]) == (kind, name)
    )


def unit(name):
    """Return the settings of a systemd unit: section, then name, then every value given."""
    found: dict[str, dict[str, list[str]]] = {}
    for line in (DOCKER / "systemd" / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            settings = found.setdefault(line.strip("[]"), {})
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            settings.setdefault(key, []).append(value)
    return found


def instructions():
    """Return (instruction, rest) for every instruction of the Dockerfile, lines joined."""
    text = re.sub(r"^#.*\n", "", (DOCKER / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = (line.strip() for line in text.replace("\\\n", " ").splitlines())
    return [tuple(line.split(None, 1)) for line in lines if line]


def env_file(path: Path = DOCKER / ".env.example"):
    """Return the variables of an environment file, those that are commented out included."""
    return dict(re.findall(r"^#?([A-Z_]+)=(.*)$", path.read_text(encoding="utf-8"), re.MULTILINE))


def variables_read():
    """Return every variable that CPDS reads."""
    return set(variable_names())


def seconds(text):
    """Return the seconds of a span such as ``75s``."""
    return int(re.fullmatch(r"(\d+)s?", str(text))[1])
