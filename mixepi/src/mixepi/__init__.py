"""Statistical methods for environmental mixtures: regression, WQS, quantile g-computation, BKMR.

The names listed in `__init__.pyi`, and only there, are loaded on first use, so that importing the package
costs nothing.
"""

import ast
from importlib import import_module
from pathlib import Path
from typing import Any

_MODULES = {
    alias.name: str(node.module)
    for node in ast.parse(Path(__file__).with_suffix(".pyi").read_text(encoding="utf-8")).body
    if isinstance(node, ast.ImportFrom)
    for alias in node.names
}

__all__ = ["__version__", *_MODULES]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("mixepi")
    if name not in _MODULES:
        raise AttributeError(f"module 'mixepi' has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
