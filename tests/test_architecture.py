"""Rules about imports within the integration, checked on the real import graph."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from importlib import import_module
from pathlib import Path

import pytest

import custom_components.monzo

ROOT = Path(custom_components.monzo.__file__).parent
NAME = custom_components.monzo.__name__

# Home Assistant loads these by name. Nothing else imports them.
PLATFORMS = frozenset(
    {
        "application_credentials",
        "backup",
        "binary_sensor",
        "calendar",
        "condition",
        "config_flow",
        "diagnostics",
        "event",
        "llm",
        "notify",
        "number",
        "repairs",
        "sensor",
        "system_health",
        "trigger",
    }
)


def _module_name(path: Path) -> str:
    """Return a module's name within the integration; the empty text for its `__init__`."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {
    _module_name(path): ast.parse(path.read_text(encoding="utf-8")) for path in ROOT.rglob("*.py")
}
PACKAGES = {_module_name(path) for path in ROOT.rglob("*/__init__.py")}


def _package(module: str) -> str:
    """Return the package that a module belongs to; a module of the root is one by itself."""
    return module.partition(".")[0]


def _imports(module: str) -> Iterator[tuple[str, str]]:
    """Yield each imported module of the integration, with the name that is taken from it.

    Imports inside functions count, because they hide a dependency but do not remove it.
    """
    # A package's `__init__` is one level less deep than its name says.
    location = module if module in PACKAGES | {""} else module.rpartition(".")[0]
    for node in ast.walk(MODULES[module]):
        if not isinstance(node, ast.ImportFrom) or node.level == 0:
            continue
        parts = location.split(".") if location else []
        above = node.level - 1
        assert above <= len(parts), f"{module} imports from outside of the integration"
        base = ".".join([*parts[: len(parts) - above], *filter(None, [node.module])])
        for alias in node.names:
            submodule = f"{base}.{alias.name}".lstrip(".")
            yield (submodule, "") if submodule in MODULES else (base, alias.name)


GRAPH = {module: set(_imports(module)) for module in MODULES}


def _assert_no_cycle(graph: dict[str, set[str]]) -> None:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as err:
        pytest.fail(" → ".join(err.args[1]))


def test_modules_do_not_import_each_other_in_a_circle() -> None:
    _assert_no_cycle(
        {
            # Python runs a package's `__init__` before any module in it.
            module: {target for target, _name in imported} - {module, _package(module)}
            for module, imported in GRAPH.items()
        }
    )


def test_packages_do_not_import_each_other_in_a_circle() -> None:
    graph: dict[str, set[str]] = {}
    for module, imported in GRAPH.items():
        targets = {_package(target) for target, _name in imported}
        graph.setdefault(_package(module), set()).update(targets - {_package(module)})
    _assert_no_cycle(graph)


def _exports(package: str) -> set[str]:
    return set(import_module(f"{NAME}.{package}").__all__)


def _names_used_elsewhere(package: str) -> dict[str, set[str]]:
    """Return the names that modules outside of a package import from it, with those modules."""
    used: dict[str, set[str]] = {}
    for module, imported in GRAPH.items():
        for target, name in imported:
            if _package(target) == package != _package(module):
                used.setdefault(name or target, set()).add(module)
    return used


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_a_package_is_entered_only_through_the_names_that_it_exports(package: str) -> None:
    used, exported = _names_used_elsewhere(package), _exports(package)
    assert {name: used[name] for name in used.keys() - exported} == {}


# The client library is complete by itself.
@pytest.mark.parametrize("package", sorted(PACKAGES - {"api"}))
def test_a_package_exports_only_names_that_are_used_elsewhere(package: str) -> None:
    assert _exports(package) <= _names_used_elsewhere(package).keys()


def test_platforms_and_actions_are_imported_by_no_other_module() -> None:
    for module, imported in GRAPH.items():
        targets = {_package(target) for target, _name in imported} - {_package(module)}
        assert not targets & PLATFORMS, module
        # Setting up the integration registers the actions.
        assert "services" not in targets or module == "", module


def test_the_client_library_depends_on_neither_home_assistant_nor_the_integration() -> None:
    for module, tree in MODULES.items():
        if _package(module) != "api":
            continue
        assert all(_package(target) == "api" for target, _name in GRAPH[module]), module
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            else:
                continue
            roots = {name.partition(".")[0] for name in names}
            assert not roots & {"custom_components", "homeassistant", "probatio", "voluptuous"}


def test_signals_are_subscribed_to_in_one_place_which_logs_no_arguments() -> None:
    for module, tree in MODULES.items():
        names = {
            alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.level == 0
            for alias in node.names
        }
        assert "async_dispatcher_connect" not in names or module == "privacy", module


def test_no_import_is_hidden_from_run_time() -> None:
    for module, tree in MODULES.items():
        for node in ast.walk(tree):
            hidden = (isinstance(node, ast.Name) and node.id == "TYPE_CHECKING") or (
                isinstance(node, ast.alias)
                and (node.name == "TYPE_CHECKING" or node.name.startswith(NAME))
            )
            assert not hidden, module
