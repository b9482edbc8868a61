"""The project's files that a module imports, directly or through others."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]


def imported_files(module: str) -> set[str]:
    """Paths from the root of the modules that are loaded with `module`, itself included.

    What a function imports when it is called does not count: engines, providers and optional
    packages are chosen by a parameter, and nothing else of the module needs them. It counts in
    the `main` of `module` itself: a stage may be off, and import what it works with once it is on.
    """
    found: set[str] = set()
    waiting = [module]
    while waiting:
        path = _path(waiting.pop())
        if path is not None and path not in found:
            found.add(path)
            waiting.extend(_imports(ROOT / path, main=len(found) == 1))
    return found


def _imports(path: Path, *, main: bool) -> list[str]:
    """The modules that a file imports at its top level, and maybe in `main`, as `stages.…`."""
    names: list[str] = []
    nodes: list[ast.AST] = list(ast.parse(path.read_text()).body)
    for node in list(nodes):
        if main and isinstance(node, ast.FunctionDef) and node.name == "main":
            nodes += ast.walk(node)
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("stages"):
            names.append(node.module)
            names.extend(f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            names.extend(alias.name for alias in node.names if alias.name.startswith("stages"))
    return names


def _path(module: str) -> str | None:
    base = Path(*module.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if (ROOT / path).is_file():
            return path.as_posix()
    return None
