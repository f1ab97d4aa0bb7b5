"""The storeys of the package: a module imports only what lies below it, and no two modules import each other."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import gatecast

ROOT = Path(gatecast.__file__).parent

# Lowest first.  Names on one line do not import each other, but for what is allowed below.
STOREYS = (
    ("visible",),
    ("errors", "showing"),
    ("files",),
    ("folders",),
    ("data", "engines", "saved"),
    ("forecast",),
    ("cells", "evaluation", "datasets"),
    ("kernels",),
    ("nn",),
    ("models",),
    ("training",),
    ("forecaster", "choosing"),
    ("artifact", "streaming", "inspection"),
    ("reporting",),
    ("workflow",),
    ("scale",),
    ("tuning",),
    ("adapters", "exporting", "doctor"),
    ("server",),
    ("client",),
    ("cli",),
    ("__main__", "magic"),
)
HEIGHT = {name: height for height, names in enumerate(STOREYS) for name in names}
ALLOWED = {("choosing", "forecaster")}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(ROOT.rglob("*.py"))}
PUBLIC = "gatecast"  # the names of __init__.py are loaded when used, so everything but the version lies below it


def is_for_types_alone(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def imports_of(tree: ast.AST) -> Iterator[str]:
    """Every gatecast module that a module imports, inside functions too, but not those for type checkers alone."""
    for node in ast.iter_child_nodes(tree):
        if is_for_types_alone(node):
            continue
        if isinstance(node, ast.Import):
            yield from (name for alias in node.names for name in known(alias.name))
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports name their package"
            yield from (name for alias in node.names for name in known(f"{node.module}.{alias.name}"))
        else:
            yield from imports_of(node)


def known(name: str) -> list[str]:
    """The module that a dotted name belongs to, if it is one of ours."""
    while name and name not in MODULES:
        name = name.rpartition(".")[0]
    return [name] if name else []


@cache
def graph() -> dict[str, set[str]]:
    trees = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in MODULES.items()}
    return {name: set(imports_of(tree)) - {name} for name, tree in trees.items()}


def storey(module: str) -> str:
    return module.split(".")[1]


def test_every_module_has_a_storey() -> None:
    assert {storey(name) for name in MODULES if name != PUBLIC} <= HEIGHT.keys()


@pytest.mark.parametrize("module", [name for name in MODULES if name != PUBLIC])
def test_a_module_imports_only_what_lies_below_it(module: str) -> None:
    own = storey(module)
    for other in graph()[module] - {PUBLIC}:
        below = HEIGHT[storey(other)] < HEIGHT[own]
        assert below or storey(other) == own or (own, storey(other)) in ALLOWED, f"{module} imports {other}"


def test_only_the_version_is_taken_from_the_top() -> None:
    for name, path in MODULES.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == PUBLIC and node.level == 0:
                modules = {alias.name for alias in node.names if f"{PUBLIC}.{alias.name}" in MODULES}
                assert {alias.name for alias in node.names} - modules <= {"__version__"}, name


def test_no_modules_import_each_other_in_a_circle() -> None:
    edges, done, path = graph(), set[str](), list[str]()

    def walk(module: str) -> None:
        assert module not in path, " imports ".join([*path[path.index(module) :], module])
        if module in done:
            return
        path.append(module)
        for other in sorted(edges[module] - {PUBLIC}):
            walk(other)
        done.add(path.pop())

    for module in edges:
        walk(module)


def test_this_walk_sees_imports_inside_functions_and_of_packages() -> None:
    found = graph()
    assert "gatecast.workflow.runs" in found["gatecast.workflow"]
    assert "gatecast.reporting.report" in found["gatecast.workflow.model"], "it stands inside a function"
    assert "gatecast.workflow.model" not in found["gatecast.workflow.telling"], "it is for type checkers alone"
    assert "gatecast.artifact" in found["gatecast.workflow.runs"], "`from gatecast import artifact`"
