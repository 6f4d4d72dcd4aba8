"""The rules of the architecture: allowed imports, sizes of modules and functions, and what the code never contains."""

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = "moza_mail"

BASE = {"i18n", "errors", "lazy", "model"}
PURE = {"parse", "render", "check", "compose", "subscriber_file"}
INPUT_OUTPUT = {"project", "store", "transport", "bounces", "dns_check", "link_check", "oauth"}
USE_CASES = {"sending", "subscribe", "archive", "app"}
PACKAGES = BASE | PURE | INPUT_OUTPUT | USE_CASES | {"edit", "web", "cli", "__main__"}

# The other packages that each package may import, also inside functions (docs/architecture.md).
_sending = BASE | PURE | INPUT_OUTPUT | {"edit"}
MAY_IMPORT = {
    "i18n": set(),
    "lazy": set(),
    "errors": {"i18n"},
    "model": {"i18n", "errors"},
    **dict.fromkeys(PURE | INPUT_OUTPUT, BASE),
    "edit": BASE | PURE,
    "sending": _sending,
    "subscribe": _sending | {"sending"},
    "archive": _sending | {"sending"},
    "app": _sending | {"sending", "subscribe", "archive"},
    "web": _sending | {"sending", "subscribe", "archive", "app"},
    # cli/ imports only types from subscribe, store and link_check.
    "cli": BASE | {"project", "subscribe", "store", "link_check", "app", "web"},
    "__main__": {"cli"},
}
# Packages whose modules are all public. Others are imported by their own name, or by one of PUBLIC_MODULES.
OPEN_PACKAGES = {*BASE, "app"}
# Editing a text needs every step of reading it.
OPEN_TO = {"edit": {"parse"}}
PUBLIC_MODULES = {
    "transport.protocol",
    "web.archive",
    "web.editor",
    "web.listen",
    "web.public",
    "web.public.archive",
    "sending.approval",
    "sending.due",
    "subscriber_file.workbook",
    "sending.schedule",
    "sending.throttle",
}

# Each library, and the packages or modules that may import it. Every other import is from the standard library.
LIBRARIES = {
    "aiosmtplib": {"transport"},
    "anyio": {"web"},
    "babel": {"i18n", "render.locale"},
    "cssselect": {"check"},
    "cssutils": {"render"},
    "dns": {"dns_check"},
    "email_validator": {"model.address"},
    "h11": {"web"},
    "icalendar": {"render"},
    "jinja2": {"render", "web"},
    "cryptography": {"compose"},
    "flufl": {"bounces"},
    "httpx": {"link_check", "oauth"},
    "lxml": {"check", "parse", "render"},
    "emoji": {"parse"},
    "markdown_it": {"parse"},
    "mdit_py_plugins": {"parse"},
    "markupsafe": {"render", "web"},
    "mjml": {"render"},
    "PIL": {"project.images"},
    "premailer": {"render"},
    "psycopg": {"store"},
    "pydantic": {"project"},
    "python_calamine": {"subscriber_file"},
    "rich": {"cli"},
    "sqlalchemy": {"store"},
    "starlette": {"web"},
    "tinycss2": {"check"},
    "typer": {"cli"},
    "uvicorn": {"web"},
    "watchfiles": {"web"},
    "yaml": {"edit", "parse", "project"},
}

LONGEST_MODULE = 450
LONGEST_FUNCTION = 60
MOST_PARAMETERS = 6
MOST_EXPORTS = 12
# The limit for all lines of cli/, which only parses options, calls app/ and prints.
LONGEST_CLI = 3500
UNFINISHED = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
BANNER = re.compile(r"^\s*#\s*[-=#*_~]{3,}")

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """A module of the package, with its dotted name below the package and its text."""

    name: str
    path: Path
    text: str
    tree: ast.Module
    nodes: tuple[ast.AST, ...]

    @property
    def package(self) -> str:
        return self.name.partition(".")[0]

    @property
    def is_package(self) -> bool:
        return self.path.name == "__init__.py"

    def at(self, node: ast.AST) -> str:
        return f"{self.path.relative_to(ROOT)}:{node.lineno}"


@cache
def modules() -> tuple[Module, ...]:
    found = []
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        parts = path.relative_to(ROOT / PACKAGE).with_suffix("").parts
        text = path.read_text(encoding="utf-8")
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        tree = ast.parse(text)
        found.append(Module(name=name, path=path, text=text, tree=tree, nodes=tuple(ast.walk(tree))))
    return tuple(found)


@cache
def names() -> frozenset[str]:
    return frozenset(module.name for module in modules())


def imports(module: Module, node: ast.AST) -> Iterator[str]:
    """Return the dotted names in an import statement: `from a import b` is `a.b` if that is one of our modules."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            here = module.name.split(".")
            above = here[: len(here) - node.level + module.is_package]
            base = ".".join([PACKAGE, *above, *([base] if base else [])])
        for alias in node.names:
            inner = f"{base}.{alias.name}"
            yield inner if inner.removeprefix(f"{PACKAGE}.") in names() else base


def all_imports(module: Module) -> Iterator[tuple[ast.AST, str]]:
    """Yield every import of a module, also those inside functions."""
    return ((node, name) for node in module.nodes for name in imports(module, node))


def own_imports(module: Module) -> Iterator[tuple[ast.AST, str]]:
    """Yield the imports of our own package, without the name of the package."""
    for node, name in all_imports(module):
        if name.split(".")[0] == PACKAGE:
            yield node, name.removeprefix(PACKAGE).removeprefix(".")


def functions() -> Iterator[tuple[Module, Function]]:
    for module in modules():
        for node in module.nodes:
            if isinstance(node, Function):
                yield module, node


def test_every_package_is_in_the_table():
    assert {module.package for module in modules()} - {""} <= PACKAGES


def test_imports_go_down_only():
    wrong = []
    for module in modules():
        allowed = MAY_IMPORT.get(module.package, set()) | {module.package}
        for node, name in own_imports(module):
            if name and name.partition(".")[0] not in allowed:
                wrong.append(f"{module.at(node)} imports {name}")
    assert not wrong


def test_a_package_is_imported_by_its_public_names():
    wrong = [
        f"{module.at(node)} imports {name}"
        for module in modules()
        for node, name in own_imports(module)
        if "." in name
        and name.partition(".")[0] not in {module.package, *OPEN_PACKAGES, *OPEN_TO.get(module.package, ())}
        and name not in PUBLIC_MODULES
    ]
    assert not wrong


def test_each_library_is_imported_only_where_the_table_says():
    wrong = []
    for module in modules():
        for node, name in all_imports(module):
            library = name.split(".")[0]
            if library == PACKAGE or library in sys.stdlib_module_names:
                continue
            if not LIBRARIES.get(library, set()) & {module.package, module.name}:
                wrong.append(f"{module.at(node)} imports {library}")
    assert not wrong


def test_no_module_needs_itself_to_be_imported():
    """There is no import cycle, also with the imports inside functions."""
    graph = {module.name: {name for _, name in own_imports(module)} - {module.name} for module in modules()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"these import each other: {' <- '.join(error.args[1])}")


def test_names_that_are_imported_at_first_use_are_those_that_the_type_checker_sees():
    for module in modules():
        calls = [node for node in module.nodes if isinstance(node, ast.Call)]
        for call in (call for call in calls if getattr(call.func, "id", "") == "import_on_first_use"):
            at_first_use = {
                (word.arg, name) for word in call.keywords for name in word.value.value.split() or [word.arg]
            }
            checked = {
                (alias.name if node.module == f"{PACKAGE}.{module.name}" else node.module.rpartition(".")[2], alias.name)
                for block in module.tree.body
                if isinstance(block, ast.If) and getattr(block.test, "id", "") == "TYPE_CHECKING"
                for node in block.body
                for alias in node.names
            }  # fmt: skip
            exported = {
                name for node in module.tree.body if is_export(node) for name in ast.literal_eval(node.value)
            }
            assert at_first_use <= checked, module.name
            assert {name for _, name in checked} & exported <= {name for _, name in at_first_use}, module.name


def is_export(node: ast.AST) -> bool:
    return isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__"


def test_a_package_exports_few_names():
    many = {
        module.name: len(node.value.elts)
        for module in modules()
        for node in module.tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        if node.targets[0].id == "__all__" and len(node.value.elts) > MOST_EXPORTS
    }
    assert many == {}


def test_names_of_public_classes_are_unique():
    found = defaultdict(list)
    for module in modules():
        for node in module.tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].append(module.at(node))
    assert {name: places for name, places in found.items() if len(places) > 1} == {}


def test_the_command_line_stays_thin():
    assert sum(module.text.count("\n") for module in modules() if module.package == "cli") <= LONGEST_CLI


def test_only_project_reads_the_environment():
    wrong = [
        module.at(node)
        for module in modules()
        for node in module.nodes
        if module.package != "project" and reads_environment(node)
    ]
    assert not wrong


def reads_environment(node: ast.AST) -> bool:
    readers = {"environ", "environb", "getenv", "getenvb"}
    if isinstance(node, ast.ImportFrom):
        return node.module == "os" and any(alias.name in readers for alias in node.names)
    return (
        isinstance(node, ast.Attribute)
        and node.attr in readers
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
    )


def test_only_the_command_line_prints():
    wrong = [
        module.at(node)
        for module in modules()
        for node in module.nodes
        if module.package != "cli"
        and isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ]
    assert not wrong


def test_modules_stay_short():
    lengths = {module.path.relative_to(ROOT): module.text.count("\n") for module in modules()}
    assert {path: lines for path, lines in lengths.items() if lines > LONGEST_MODULE} == {}


def test_functions_stay_short():
    long = {
        module.at(node): node.end_lineno - node.lineno + 1
        for module, node in functions()
        if node.end_lineno - node.lineno >= LONGEST_FUNCTION
    }
    assert long == {}


def test_functions_take_few_parameters():
    many = {
        module.at(node): parameters(node)
        for module, node in functions()
        if parameters(node) > MOST_PARAMETERS and not is_command(module, node)
    }
    assert many == {}


def parameters(node: Function) -> int:
    given = node.args
    counted = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
    return len([each for each in counted if each and each.arg not in {"self", "cls"}])


def is_command(module: Module, node: Function) -> bool:
    """Return True for a command of the command line, whose parameters are its options."""
    decorators = (each.func for each in node.decorator_list if isinstance(each, ast.Call))
    return module.package == "cli" and any(
        isinstance(each, ast.Attribute) and each.attr in {"command", "callback"} for each in decorators
    )


def test_nothing_is_left_unfinished_and_no_comment_is_a_banner():
    wrong = []
    for path in sorted(
        each for folder in (PACKAGE, "tests", "benchmarks") for each in (ROOT / folder).rglob("*.py")
    ):
        lines = path.read_text(encoding="utf-8").splitlines()
        wrong += [
            f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
            for number, line in enumerate(lines, 1)
            if UNFINISHED.search(line) or BANNER.match(line)
        ]
    assert not wrong
