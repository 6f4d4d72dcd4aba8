"""Import the modules of a package at the first use of one of their names.

A package that exports names of several modules would import all of them for a command that needs one. So its
`__init__` imports them for the type checker only, and ends with:

    __getattr__ = import_on_first_use(__name__, dry_run="compose_without_sending DryRunResult", ...)

Python calls the `__getattr__` of a module for a name that the module does not have yet (PEP 562).
"""

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any


def import_on_first_use(package: str, **exports: str) -> Callable[[str], Any]:
    """Return the `__getattr__` of a package.

    exports: for each module, its exported names, separated by spaces. If the text is empty, the package exports the
    module itself.
    """
    modules = {name: module for module, names in exports.items() for name in names.split() or [module]}

    def import_name(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module = import_module(f"{package}.{modules[name]}")
        value = module if name == modules[name] else getattr(module, name)
        setattr(sys.modules[package], name, value)
        return value

    return import_name
