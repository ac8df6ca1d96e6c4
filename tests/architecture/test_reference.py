"""The reference says what the code says: settings, commands, rules, tables, routes."""

import inspect
import io
import re
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import psycopg
import pytest
import typer.main
import yaml
from fastapi.routing import APIRoute

from bot.cli.main import app
from bot.settings import BooksSettings, DatabaseSettings, Settings
from bot.web_server import make_web_app
from handlers.api import webhooks
from handlers.api.app import PREFIX
from handlers.slack.blocks.action_ids import ActionId
from handlers.slack.blocks.help import SUBCOMMANDS
from handlers.wording.labels import HOLD_CAUSES, REJECT_WORDS, STATE_WORDS
from models.bills.states import ANYWHERE, TRANSITIONS, State, Transition, Verb
from models.context import Source
from models.db.columns import Base
from models.imports.csv_columns import Column
from models.imports.csv_reader import CsvReader
from models.imports.layouts import CUSTOMERS, PEOPLE, USAGE
from models.imports.staging import Layout
from models.people.permissions import ROLE_PERMISSIONS, SYSTEM_PERMISSIONS, Permission, Role
from models.webhooks.events import Event
from sandbox import __main__ as demo_front
from sandbox.fake_slack import __main__ as any_app
from sandbox.fake_slack.control import control_routes
from sandbox.fake_slack.sandbox import Sandbox
from sandbox.fake_slack.world.faults import (
    CALL_KINDS,
    ENVELOPE_KINDS,
    MAIL_KINDS,
    SOCKET_KINDS,
    Fault,
)
from tests.architecture.pages import ROOT, codes, page

# -- settings ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("heading", "kind"),
    [
        ("Every command", DatabaseSettings),
        ("Imports, month end and `serve`", BooksSettings),
        ("`serve` alone", Settings),
    ],
)
def test_each_setting_stands_with_its_default_where_it_is_read(
    heading: str, kind: type[DatabaseSettings]
) -> None:
    own = inspect.get_annotations(kind)
    expected = {f"`{name.upper()}`": _default(kind.model_fields[name].default) for name in own}
    table = page("docs/reference/settings.md").table(heading)
    assert dict(zip(table.column(0), table.column(1), strict=True)) == expected


def _default(value: object) -> str:
    return "-" if value in (None, "", ()) else f"`{value}`"


# -- commands in Slack ---------------------------------------------------------------------


@pytest.mark.parametrize("command", SUBCOMMANDS)
def test_each_subcommand_stands_with_its_example(command: str) -> None:
    slash = f"/{command}"
    expected = [
        (f"`{slash} {one.usage}`", f"`{slash} {one.example}`", one.does)
        for one in SUBCOMMANDS[command]
    ]
    assert list(page("docs/reference/commands.md").table(f"`{slash}`").rows) == expected


def test_each_command_has_its_section() -> None:
    headings = page("docs/reference/commands.md").headings
    assert {one for one in headings if one.startswith("`/")} == {f"`/{one}`" for one in SUBCOMMANDS}


def test_each_button_with_one_name_is_explained() -> None:
    told = " ".join(page("docs/reference/commands.md").table("Buttons").column(1))
    named = {
        ActionId.APPROVE,
        ActionId.REJECT,
        ActionId.UNDO,
        ActionId.RELEASE,
        ActionId.GENERATE,
        ActionId.CANCEL,
    }
    assert {click.rpartition(":")[2].capitalize() for click in named} <= set(codes(told))


# -- the command line ----------------------------------------------------------------------


def _commands(group: Any, path: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        inner = f"{path} {name}"
        if hasattr(command, "commands"):
            yield from _commands(command, inner)
        else:
            yield inner, command


COMMANDS = dict(_commands(typer.main.get_command(app), "countersign"))


def test_each_command_line_has_its_section() -> None:
    headings = page("docs/reference/cli.md").headings
    assert {one for one in headings if one.startswith("`")} == {f"`{name}`" for name in COMMANDS}


@pytest.mark.parametrize("name", COMMANDS)
def test_each_argument_and_option_is_explained(name: str) -> None:
    expected = [_shown(parameter) for parameter in COMMANDS[name].params]
    tables = [one for one in page("docs/reference/cli.md").tables if one.heading.strip("`") == name]
    told = [codes(cell)[0] for table in tables for cell in table.column()]
    assert told == expected


def _shown(parameter: Any) -> str:
    if parameter.param_type_name == "option":
        return str(parameter.opts[0])
    return str(parameter.metavar or parameter.name.upper())


# -- the life of a bill --------------------------------------------------------------------

BILL_LIFE = "docs/reference/bill-life.md"


def test_the_table_of_states_is_the_codes() -> None:
    expected = [(f"`{state}`", STATE_WORDS[state]) for state in State]
    assert list(page(BILL_LIFE).table("States").rows) == expected


def test_the_table_of_verbs_is_the_codes() -> None:
    expected = [(f"`{verb}`", _from(rule), _to(rule)) for verb, rule in TRANSITIONS.items()]
    assert list(page(BILL_LIFE).table("Verbs").rows) == expected
    assert set(TRANSITIONS) == set(Verb)


def _from(rule: Transition) -> str:
    if rule.start == ANYWHERE:
        return "any"
    return ", ".join(f"`{state}`" for state in State if state in rule.start) or "nothing"


def _to(rule: Transition) -> str:
    if rule.back:
        return "what it was"
    return f"`{rule.to}`" if rule.to else "the same"


def test_the_table_of_roles_is_the_codes() -> None:
    table = page(BILL_LIFE).table("Roles")
    rights = [*(ROLE_PERMISSIONS[role] for role in Role), SYSTEM_PERMISSIONS]
    assert table.head == ("may", *Role, "`system`")
    assert list(table.rows) == [
        (permission, *("yes" if permission in right else "-" for right in rights))
        for permission in Permission
    ]


def test_the_causes_of_a_hold_are_the_codes() -> None:
    told = sorted(page(BILL_LIFE).table("Causes of a hold").rows)
    assert told == sorted((f"`{cause}`", words) for cause, words in HOLD_CAUSES.items())


def test_the_reasons_of_a_rejection_are_the_codes() -> None:
    expected = [(f"`{code}`", words) for code, words in REJECT_WORDS.items()]
    assert list(page(BILL_LIFE).table("Reasons of a rejection").rows) == expected


def test_every_source_of_an_action_is_named() -> None:
    assert set(Source) <= set(codes(page(BILL_LIFE).prose))


# -- tables --------------------------------------------------------------------------------


_COLUMNS = """
select c.table_name, c.column_name, replace(replace(c.data_type, 'timestamp with time zone',
       'timestamptz'), 'double precision', 'float8')
from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
where c.table_schema = 'public' and t.table_type = 'BASE TABLE'
  and c.table_name not like 'procrastinate%'
  and c.table_name not in ('alembic_version', 'sql_definitions')
"""


def test_each_table_and_column_of_the_schema_is_explained(database_url: str) -> None:
    told = {table.heading.strip("`"): table for table in page("docs/reference/tables.md").tables}
    listed = {
        (name, cell.strip("`"), kind)
        for name, table in told.items()
        for cell, kind, _ in table.rows
    }
    with psycopg.connect(database_url) as connection:
        assert listed == set(connection.execute(_COLUMNS).fetchall())


def test_each_mapped_column_is_explained() -> None:
    told = {table.heading.strip("`"): table for table in page("docs/reference/tables.md").tables}
    for table in Base.metadata.sorted_tables:
        listed = {cell.strip("`") for cell in told[table.name].column()}
        assert {column.name for column in table.columns} == listed, table.name


# -- files to import -----------------------------------------------------------------------

LAYOUTS = {"People": PEOPLE, "Customers": CUSTOMERS, "Usage": USAGE}


@pytest.mark.parametrize(("heading", "layout"), LAYOUTS.items())
def test_each_column_of_a_file_is_explained(heading: str, layout: Layout) -> None:
    table = page("docs/how-to/import-data.md").table(heading)
    told = [(cell.strip("`"), how) for cell, how, _ in table.rows]
    assert told == [(column.name, _how(column)) for column in layout.columns]


def _how(column: Column) -> str:
    if column.optional:
        return "needed of new ones" if column.needed else "may be missing"
    return "needed" if column.needed else "may be empty"


def test_each_example_of_a_file_has_the_columns_it_needs() -> None:
    examples = page("docs/how-to/import-data.md").fenced("csv")
    for example, layout in zip(examples, LAYOUTS.values(), strict=True):
        rows = CsvReader(io.BytesIO(example.encode()))
        columns = {one.name: one for one in layout.columns}
        assert set(rows.header) >= {one.name for one in layout.columns if not one.optional}
        readings = [columns[name].read for name in rows.header]
        assert len(b"".join(rows.batches(readings)).splitlines()) == len(example.splitlines()) - 1
        assert not rows.flaws.total


# -- installing and running ----------------------------------------------------------------


def test_the_scopes_are_those_of_the_manifest() -> None:
    manifest = yaml.safe_load((ROOT / "manifest.yml").read_text(encoding="utf-8"))
    told = page("docs/how-to/install-in-slack.md").table("3. Make the app").column()
    assert sorted(cell.strip("`") for cell in told) == manifest["oauth_config"]["scopes"]["bot"]


async def _nothing_missing() -> list[str]:
    return []


def test_the_addresses_are_those_that_are_served() -> None:
    served = {getattr(route, "path", "") for route in make_web_app(_nothing_missing).routes}
    told = page("docs/how-to/run-in-production.md").table("Health and readiness").column()
    assert {cell.strip("`") for cell in told} == served


def test_the_log_events_to_look_out_for_are_written_somewhere() -> None:
    code = "\n".join(
        path.read_text(encoding="utf-8")
        for folder in ("bot", "handlers")
        for path in (ROOT / folder).rglob("*.py")
    )
    for cell in page("docs/how-to/run-in-production.md").table("Logs").column():
        assert f'"{cell.strip("`")}"' in code, cell


# -- the sandbox ---------------------------------------------------------------------------

SANDBOX = "docs/reference/sandbox.md"


def test_each_control_route_is_explained() -> None:
    served = {
        f"{route.method} {route.path}"
        for route in control_routes(Sandbox())
        if route.path.startswith("/_control/")
    }
    told = page(SANDBOX)
    assert {
        codes(cell)[0] for heading in ("Looking", "Acting") for cell in told.table(heading).column()
    } == served


SPELLED_OUT: dict[str, Callable[..., Any]] = {
    "command": Sandbox.command,
    "message": Sandbox.message,
    "edit": Sandbox.edit,
    "delete": Sandbox.delete,
    "submit": Sandbox.submit,
    "close": Sandbox.close,
    "open-home": Sandbox.open_home,
    "suggest": Sandbox.suggest,
}


@pytest.mark.parametrize(("name", "act"), SPELLED_OUT.items())
def test_each_body_has_the_fields_that_are_taken(name: str, act: Callable[..., Any]) -> None:
    bodies = {codes(route)[0]: body for route, body, _ in page(SANDBOX).table("Acting").rows}
    parameters = [*inspect.signature(act).parameters.values()][1:]
    fields = [one.name if one.default is one.empty else f"{one.name}?" for one in parameters]
    assert bodies[f"POST /_control/{name}"] == f"`{{{', '.join(fields)}}}`"


def test_each_kind_of_fault_is_explained() -> None:
    rows = {codes(row[0])[0]: codes(row[1]) for row in page(SANDBOX).table("Faults").rows}
    kinds = {
        "kind": CALL_KINDS,
        "socket": SOCKET_KINDS,
        "envelopes": ENVELOPE_KINDS,
        "mail": MAIL_KINDS,
    }
    for field, expected in kinds.items():
        assert sorted(rows[field]) == sorted(expected)


def test_each_field_of_a_fault_is_named() -> None:
    fields = {*inspect.signature(Fault).parameters, "seed"} - {"luck"}
    assert fields <= set(codes(page(SANDBOX).prose))


@pytest.mark.parametrize(
    ("heading", "front"), [("Flags", demo_front), ("Around another app", any_app)]
)
def test_each_flag_is_explained(
    heading: str, front: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        front.arguments(["--help"])
    flags = set(re.findall(r"--[a-z-]+", capsys.readouterr().out)) - {"--help"}
    assert {codes(cell)[0] for cell in page(SANDBOX).table(heading).column()} == flags


# -- webhooks ------------------------------------------------------------------------------


def test_each_event_of_webhooks_is_explained() -> None:
    told = page("docs/how-to/receive-webhooks.md").table("Events").column()
    assert told == [f"`{event}`" for event in Event]


def test_each_route_of_webhooks_is_explained() -> None:
    told = page("docs/how-to/receive-webhooks.md").table("By the JSON API").column()
    served = {
        f"`{method} {PREFIX}{route.path}`"
        for route in webhooks.router.routes
        if isinstance(route, APIRoute)
        for method in route.methods
    }
    assert set(told) == served
