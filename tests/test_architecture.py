"""The imports of the integration form a tree, in which nobody looks at who looks at them."""

import ast
from pathlib import Path

import pytest

import custom_components.monzo

ROOT = Path(custom_components.monzo.__file__).parent

# What each module imports of its siblings. Each line names only lines above it.
IMPORTED: dict[str, set[str]] = {
    "const": set(),
    "api": set(),
    "application_credentials": {"const"},
    "devices": {"api", "const"},
    "session": {"api", "const"},
    "errors": {"api", "const"},
    "issues": {"const"},
    "models": {"api", "const"},
    "plans": {"api"},
    "transfer_journal": {"api", "const", "errors", "plans"},
    "transfers": {"api", "const", "errors", "plans", "session", "transfer_journal"},
    "coordinator": {"api", "const", "issues", "session"},
    "reader": {"api", "const", "coordinator", "models", "session"},
    "balances": {"api", "const", "coordinator", "devices", "issues", "models", "reader", "session"},
    "kinds": {"api"},
    "spending": {"api", "kinds"},
    "transaction_ledger": {"api", "const", "spending"},
    "transactions": {"api", "balances", "const", "coordinator", "transaction_ledger"},
    "runtime": {"balances", "session", "transactions", "transfers"},
    "webhook": {"const", "runtime", "transactions"},
    "entity": {"balances", "const", "devices", "models", "runtime"},
    "threshold": {"const"},
    "services": {
        "api",
        "const",
        "devices",
        "errors",
        "kinds",
        "models",
        "plans",
        "runtime",
        "spending",
        "threshold",
        "transfer_journal",
        "transfers",
    },
    "diagnostics": {"api", "const", "devices", "models", "runtime"},
    "system_health": {"api", "const", "runtime"},
    "repairs": {"issues"},
    "config_flow": {"api", "const", "devices", "runtime"},
    "binary_sensor": {"balances", "entity", "models", "runtime"},
    "sensor": {"api", "balances", "entity", "models", "runtime"},
    "event": {"devices", "entity", "kinds", "models", "runtime", "transactions", "transfers"},
    "targets": {"const", "devices"},
    "trigger": {
        "api",
        "balances",
        "kinds",
        "models",
        "targets",
        "threshold",
        "transactions",
        "transfers",
    },
    "condition": {"api", "const", "models", "runtime", "targets", "threshold"},
    "notify": {"const", "entity", "errors", "models", "runtime"},
    "dashboard": {"const"},
    "dashboard_strategy": {"const"},
    "webhook_registration": {"api", "coordinator", "issues", "runtime"},
    "__init__": {
        "api",
        "balances",
        "const",
        "dashboard",
        "dashboard_strategy",
        "devices",
        "issues",
        "runtime",
        "services",
        "session",
        "transaction_ledger",
        "transactions",
        "transfer_journal",
        "transfers",
        "webhook",
        "webhook_registration",
    },
}

# The same within the API package.
IMPORTED_IN_API: dict[str, set[str]] = {
    "exceptions": set(),
    "private": set(),
    "money": {"private"},
    "response": {"exceptions", "private"},
    "fields": {"exceptions", "money"},
    "models": {"fields", "money", "private"},
    "receipts": {"fields", "money", "private"},
    "client": {"exceptions", "fields", "models", "money", "receipts", "response"},
    "__init__": {"client", "exceptions", "models", "money", "receipts", "response"},
}

# The same within the package of the actions. A module may have the name of one outside.
IMPORTED_IN_SERVICES: dict[str, set[str]] = {
    "amounts": set(),
    "common": set(),
    "fields": set(),
    "attachments": {"common", "fields"},
    "feed": {"common", "fields"},
    "pot_targets": {"common"},
    "moves": {"amounts", "pot_targets"},
    "autopilot": {"amounts", "common", "moves", "pot_targets"},
    "pot_transfers": {"amounts", "common", "moves", "pot_targets"},
    "receipts": {"amounts", "common", "fields"},
    "refresh": {"common"},
    "transactions": {"amounts", "common", "fields"},
    "__init__": {
        "attachments",
        "autopilot",
        "feed",
        "pot_transfers",
        "receipts",
        "refresh",
        "transactions",
    },
}


def modules(folder: Path) -> dict[str, ast.Module]:
    """Return the modules of a package by name."""
    return {path.stem: ast.parse(path.read_text(encoding="utf-8")) for path in folder.glob("*.py")}


def imports(module: ast.Module) -> set[tuple[int, str]]:
    """Return the level and the name of everything that a module imports, wherever it does."""
    found: set[tuple[int, str]] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            found |= {(0, alias.name) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            if node.module is None:
                # The names are modules of the package itself, or things of its root.
                found |= {(node.level, alias.name) for alias in node.names}
            else:
                found.add((node.level, node.module))
    return found


def siblings(module: ast.Module, level: int = 1) -> set[str]:
    """Return what a module imports of its own package, or of the one around that at level 2."""
    return {name.partition(".")[0] for at, name in imports(module) if at == level}


MODULES = modules(ROOT)
API_MODULES = modules(ROOT / "api")
SERVICE_MODULES = modules(ROOT / "services")


def test_every_module_has_its_place() -> None:
    assert MODULES.keys() | {"api", "services"} == IMPORTED.keys()
    assert API_MODULES.keys() == IMPORTED_IN_API.keys()
    assert SERVICE_MODULES.keys() == IMPORTED_IN_SERVICES.keys()


@pytest.mark.parametrize(
    "imported",
    [IMPORTED, IMPORTED_IN_API, IMPORTED_IN_SERVICES],
    ids=["integration", "api", "services"],
)
def test_what_is_said_here_is_a_tree(imported: dict[str, set[str]]) -> None:
    above: set[str] = set()
    for name, names in imported.items():
        assert names <= above, name
        above.add(name)


@pytest.mark.parametrize("name", MODULES)
def test_a_module_imports_only_what_is_said_here(name: str) -> None:
    assert siblings(MODULES[name]) == IMPORTED[name]


@pytest.mark.parametrize("name", API_MODULES)
def test_a_module_of_the_api_imports_only_what_is_said_here(name: str) -> None:
    assert siblings(API_MODULES[name]) == IMPORTED_IN_API[name]
    # It could be published as it is.
    assert all(level <= 1 for level, _name in imports(API_MODULES[name]))


@pytest.mark.parametrize("name", SERVICE_MODULES)
def test_a_module_of_the_actions_imports_only_what_is_said_here(name: str) -> None:
    assert siblings(SERVICE_MODULES[name]) == IMPORTED_IN_SERVICES[name]


def test_the_actions_together_import_only_what_is_below_them() -> None:
    imported = (siblings(module, level=2) for module in SERVICE_MODULES.values())
    assert set().union(*imported) == IMPORTED["services"]


@pytest.mark.parametrize(
    ("module", "depth"),
    [
        *((module, 1) for module in (*MODULES.values(), *API_MODULES.values())),
        *((module, 2) for module in SERVICE_MODULES.values()),
    ],
    ids=[
        *MODULES,
        *(f"api.{name}" for name in API_MODULES),
        *(f"services.{name}" for name in SERVICE_MODULES),
    ],
)
def test_nobody_takes_a_way_around_the_tree(module: ast.Module, depth: int) -> None:
    for level, name in imports(module):
        # Neither out of the integration and in again, nor hidden from run time.
        assert level <= depth
        # What is not exported by a package is its own business.
        assert level == 0 or "." not in name
        assert not name.startswith("custom_components")
    assert not [
        node
        for node in ast.walk(module)
        if (isinstance(node, ast.Name) and node.id == "TYPE_CHECKING")
        or (isinstance(node, ast.Attribute) and node.attr == "TYPE_CHECKING")
        or (isinstance(node, ast.alias) and node.name == "TYPE_CHECKING")
    ]


@pytest.mark.parametrize("name", API_MODULES)
def test_the_api_knows_no_home_assistant(name: str) -> None:
    assert not [
        imported
        for _level, imported in imports(API_MODULES[name])
        if imported.partition(".")[0] in {"homeassistant", "voluptuous", "probatio"}
    ]
