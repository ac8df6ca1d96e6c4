"""Whatever the program defines, the program names: what tests alone call is not what it does."""

import ast
import re
from collections.abc import Iterator
from functools import cache

from tests.architecture.pages import ROOT

PRODUCT = ("bot", "handlers", "models")
KEPT = {
    "models.db.locks.LOCK_ORDER": "for whoever writes SQL; the harness holds all locking to it",
}
"""What nothing in the program names, and why it stands there all the same."""

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign


@cache
def modules() -> dict[str, ast.Module]:
    paths = [path for package in PRODUCT for path in (ROOT / package).rglob("*.py")]
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): ast.parse(
            path.read_text(encoding="utf-8")
        )
        for path in paths
    }


def test_nothing_stands_in_the_program_that_the_program_never_names() -> None:
    assert unnamed(modules(), _in_templates()) == set(KEPT)


def test_a_name_is_told_from_the_same_name_elsewhere() -> None:
    """`figures.now` is nobody's, though a property and a local name are called so too."""
    program = {
        "figures": ast.parse("def now(): return now()\ndef then(): ...\nWhen = int"),
        "loaded": ast.parse("import figures\nnow = figures.then()\nprint(self.now, now)"),
    }
    assert unnamed(program, set()) == {"figures.now", "figures.When"}


def unnamed(program: dict[str, ast.Module], elsewhere: set[str]) -> set[str]:
    """Definitions of the modules' top level that no other line of theirs reads, nobody imports,
    no decorator registers, and none of the words from `elsewhere` names.
    """
    named = {one for name, tree in program.items() for one in _named_of_others(name, tree)}
    return {
        f"{module}.{name}"
        for module, tree in program.items()
        for node in tree.body
        for name in _defined(node)
        if f"{module}.{name}" not in named
        and name not in elsewhere
        and not _is_registered(node)
        and not _is_read_beside(node, name, tree)
    }


def _defined(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            yield from _bound(target)


def _bound(target: ast.expr) -> Iterator[str]:
    names = [one.id for one in ast.walk(target) if isinstance(one, ast.Name)]
    yield from (name for name in names if not name.startswith("__"))


def _named_of_others(module: str, tree: ast.Module) -> Iterator[str]:
    """What is imported by name, and what is reached through a module that is imported."""
    aliases = dict[str, str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for one in node.names:
                aliases[one.asname or one.name] = f"{node.module}.{one.name}"
                yield f"{node.module}.{one.name}"
        elif isinstance(node, ast.Import):
            aliases |= {one.asname or one.name: one.name for one in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            left, _, rest = ast.unparse(node).partition(".")
            yield f"{aliases.get(left, left)}.{rest}"


def _is_registered(node: ast.stmt) -> bool:
    """A route, a command, a click: its decorator is called with where it belongs."""
    decorators = getattr(node, "decorator_list", []) if not isinstance(node, ast.ClassDef) else []
    return any(isinstance(one, ast.Call) for one in decorators)


def _is_read_beside(definition: ast.stmt, name: str, tree: ast.Module) -> bool:
    """By another statement of its module; also as text, as annotations and `__all__` have it."""
    return any(
        name == (node.id if isinstance(node, ast.Name) else getattr(node, "value", None))
        and not isinstance(getattr(node, "ctx", None), ast.Store)
        for other in tree.body
        if other is not definition
        for node in ast.walk(other)
        if isinstance(node, ast.Name | ast.Constant)
    )


def _in_templates() -> set[str]:
    """The words of templates, which reach functions through what their pages hand them."""
    return {
        word
        for path in (ROOT / "handlers").rglob("*.jinja")
        for word in re.findall(r"\w+", path.read_text(encoding="utf-8"))
    }
