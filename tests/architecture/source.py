"""The project's own files as the architecture tests read them."""

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "autofutures"


def project_files() -> list[Path]:
    """Every file that git keeps or would keep, as a path from the project's root."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return sorted(Path(name) for name in listed.split("\0") if name and (ROOT / name).is_file())


def python_files(folder: Path = ROOT) -> list[Path]:
    """Every Python file of ours below the folder, as a path from the project's root."""
    return [path for path in project_files() if path.suffix == ".py" and (ROOT / path).is_relative_to(folder)]


def parse(path: Path) -> ast.Module:
    """The syntax tree of a file named from the project's root."""
    return ast.parse((ROOT / path).read_text(encoding="utf-8"), str(path))


def module_name(path: Path) -> str:
    """The dotted name of a file of the package: src/autofutures/risk/gate.py is autofutures.risk.gate."""
    parts = path.with_suffix("").parts[1:]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_names(tree: ast.Module) -> Iterator[str]:
    """Each dotted name that a file imports, wherever in it; `from a import b` gives a and a.b."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_inside(name: str, package: str) -> bool:
    """Whether the dotted name is the package or lies in it."""
    return name == package or name.startswith(f"{package}.")
