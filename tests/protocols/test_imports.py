"""Protocols load no plotting, learning or web library before it is needed."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import importlib, pkgutil, sys
import freshset.protocols as room
for module in pkgutil.walk_packages(room.__path__, "freshset.protocols."):
    importlib.import_module(module.name)
heavy = ("torch", "ray", "matplotlib", "jinja2", "rich", "fastapi", "sklearn", "joblib", "cryptography")
print([name for name in heavy if name in sys.modules])
"""


def test_importing_every_module_stays_light() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
