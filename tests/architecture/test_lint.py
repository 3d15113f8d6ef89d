"""An arrow that is drawn upward breaks its contract, and the lint names both ends of it."""

import re
import shutil
import subprocess
import sys
import tomllib

from tests.architecture.sources import ROOT, listed

LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"
CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
LAYERED = [each for each in CONFIG["contracts"] if each["type"] == "layers"]


def copy_to(folder):
    """Copy everything that the contracts speak of."""
    shutil.copy(ROOT / "pyproject.toml", folder)
    for package in CONFIG["root_packages"]:
        shutil.copytree(ROOT / package, folder / package, ignore=all_but_code)


def all_but_code(_, names):
    return {name for name in names if "." in name and not name.endswith(".py")} | {"__pycache__"}


def ends_of(contract):
    """Return a module of the lowest layer, and one of the highest."""
    container = "".join(f"{name}." for name in contract.get("containers", [])[:1])
    highest, *_, lowest = (re.split(r"[|:]", layer)[0].strip(" ()") for layer in contract["layers"])
    return container + lowest, container + highest


def plant(folder, *, below, above):
    path = folder / below.replace(".", "/")
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    file.write_text(f"{file.read_text(encoding='utf-8')}\nimport {above}\n", encoding="utf-8")


def lint(folder):
    return subprocess.run(
        [sys.executable, "-c", LINT, "--no-cache"], cwd=folder, check=False, capture_output=True, text=True
    )


def test_the_lint_notices_an_arrow_upward_in_every_house_of_layers(tmp_path):
    copy_to(tmp_path)
    arrows = {contract["name"]: ends_of(contract) for contract in LAYERED}
    for below, above in arrows.values():
        plant(tmp_path, below=below, above=above)

    linted = lint(tmp_path)

    told = " ".join(linted.stdout.split())
    missed = [name for name in arrows if f"{name} BROKEN" not in told]
    unnamed = [
        f"{below} -> {above}" for below, above in arrows.values() if f"{below} -> {above} (l." not in told
    ]
    assert arrows
    assert linted.returncode == 1
    assert not missed, listed(missed)
    assert not unnamed, listed(unnamed)
