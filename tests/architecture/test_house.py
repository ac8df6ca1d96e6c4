"""The code keeps its own order: nothing too long, no clock in the models, refusals that speak."""

import ast
import importlib
import pkgutil
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache

import pytest

from models.errors import Refusal
from tests.architecture.pages import ROOT

PACKAGES = ("bot", "handlers", "models", "sandbox", "migrations")
LONGEST_FUNCTION = 40
LONGEST_FILE = 350
LONGER_BY_A_SEVENTH = {
    "bot/app.py": "what runs, from its start to its end, in the order in which it depends",
    "bot/slack/client.py": "each method of Slack that is called, and what comes of its calls",
    "handlers/http/gate.py": "all that a request passes before its function, in its order",
    "handlers/slack/app.py": "the tables of all that Slack may send",
    "handlers/slack/blocks/block_kit.py": "the blocks and elements of Slack, a function each",
}
"""Each is one subject; no more come to these, and whatever has become shorter is taken out."""
CLOCKS = {
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
    "time": {"time", "time_ns", "monotonic", "localtime", "gmtime"},
}

Function = ast.FunctionDef | ast.AsyncFunctionDef
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


@cache
def trees() -> dict[str, ast.Module]:
    """Each file's name, and what it says."""
    return {
        str(path.relative_to(ROOT)): ast.parse(path.read_text(encoding="utf-8")) for path in FILES
    }


def test_no_function_is_longer_than_a_screen() -> None:
    too_long = {
        f"{name}: {node.name}": _lines(node)
        for name, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, Function) and _lines(node) > LONGEST_FUNCTION
    }
    assert too_long == {}


def _lines(node: Function) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def test_no_file_is_too_long_to_read() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in FILES
    }
    too_long = {name: length for name, length in lengths.items() if length > LONGEST_FILE}
    assert too_long.keys() == LONGER_BY_A_SEVENTH.keys()
    assert max(too_long.values(), default=0) <= LONGEST_FILE * 8 // 7


def test_every_module_says_what_it_is_for() -> None:
    assert [name for name, tree in trees().items() if not ast.get_docstring(tree)] == []


@pytest.mark.parametrize("packages", [("bot", "handlers", "models"), ("sandbox",)])
def test_no_two_things_are_called_alike(packages: tuple[str, ...]) -> None:
    places = defaultdict[str, list[str]](list)
    for file, tree in trees().items():
        if file.startswith(packages):
            for node in tree.body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    places[node.name].append(file)
    assert {name: files for name, files in places.items() if len(files) > 1} == {}


def test_models_are_told_the_time_and_never_look() -> None:
    looks = {
        name: [*_looks_at_a_clock(tree)]
        for name, tree in trees().items()
        if name.startswith("models/")
    }
    assert {name: found for name, found in looks.items() if found} == {}


def _looks_at_a_clock(tree: ast.Module) -> Iterator[str]:
    """Calls of a clock by its module or class, and imports of a bare one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in CLOCKS.get(_last_name(node.value), ()):
            yield ast.unparse(node)
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            yield ast.unparse(node)


def _last_name(node: ast.expr) -> str:
    return ast.unparse(node).rpartition(".")[2]


@pytest.mark.parametrize(
    "source",
    [
        "datetime.now()",
        "datetime.datetime.now(UTC)",
        "date.today()",
        "time.time()",
        "from time import time",
    ],
)
def test_a_look_at_a_clock_is_noticed(source: str) -> None:
    assert list(_looks_at_a_clock(ast.parse(source)))


def test_the_databases_clock_is_not_ours() -> None:
    assert list(_looks_at_a_clock(ast.parse("sa.func.now()"))) == []


@pytest.mark.parametrize("appends", ["append_action", "append_actions_of_each"])
def test_one_bills_record_is_written_in_one_place(appends: str) -> None:
    assert [name for name, tree in trees().items() if appends in _imported(tree)] == [
        "models/actions/loaded_bill.py"
    ]


def _imported(tree: ast.Module) -> set[str]:
    froms = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return {one.name for node in froms for one in node.names}


def test_models_name_no_command_of_any_medium() -> None:
    """What could be done instead is data there; each medium has its own commands for it."""
    named = {
        f"{name}:{line}": text
        for name, tree in trees().items()
        if name.startswith("models/")
        for line, text in _texts(tree)
        if _COMMAND.search(text)
    }
    assert named == {}


_COMMAND = re.compile(r"`|/(bill|usage|customer)\b|(?<!')\bcountersign [a-z]")


def _texts(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Texts that the program can say: no docstrings."""
    bare = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in bare:
            yield node.lineno, node.value


@pytest.mark.parametrize(
    "said", ['f"Void it with `/bill void #{bill}`"', '"Run `countersign migrate`."']
)
def test_a_command_is_noticed(said: str) -> None:
    assert [
        text for _, text in _texts(ast.parse(f"raise Refusal({said})")) if _COMMAND.search(text)
    ]


def _refusals() -> list[type[Refusal]]:
    for package in ("bot", "handlers", "models"):
        for module in pkgutil.walk_packages([str(ROOT / package)], f"{package}."):
            importlib.import_module(module.name)
    found, ahead = list[type[Refusal]](), [Refusal]
    while ahead:
        kind = ahead.pop()
        found.append(kind)
        ahead += kind.__subclasses__()
    return found


@pytest.mark.parametrize("kind", _refusals(), ids=lambda kind: kind.__name__)
def test_every_refusal_is_a_sentence(kind: type[Refusal]) -> None:
    """Its own docstring, not the one of the class it comes from."""
    sentence = vars(kind).get("__doc__") or ""
    assert sentence[:1].isupper()
    assert sentence.strip().endswith(".")
