"""The project's files that a module imports, directly or through others."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]


def imported_files(module: str) -> set[str]:
    """Paths from the root of the modules of this project that `module` needs, itself included."""
    found: set[str] = set()
    waiting = [module]
    while waiting:
        path = _path(waiting.pop())
        if path is None or path in found:
            continue
        found.add(path)
        waiting.extend(_imports(ROOT / path))
    return {path for path in found if (ROOT / path).read_text().count("import")} | {
        path for path in found if not path.endswith("__init__.py")
    }


def _imports(path: Path) -> list[str]:
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
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
