"""Commands as people type them: months, names, references, words in any order, near misses."""

import ast
from pathlib import Path

import pytest
import sqlalchemy as sa

from handlers.slack.blocks.errors import _EXAMPLE
from handlers.slack.blocks.help import SUBCOMMANDS
from handlers.slack.parsing import refs, subcommand_and_rest
from models.customers.customers import Customer
from models.people.permissions import Role
from models.people.users import User
from models.period import Period, split_month
from models.queries.references import find_bill
from models.queries.scope import find_scope
from tests.billed import write_bill
from tests.handlers.conftest import Bills, card_in_channel
from tests.harness.record import verbs_of
from tests.harness.slack_people import Person, Seen, Team, acts, labels, read, said
from tests.harness.waiting import until

OCTOBER = [
    *("2026-10", "10/2026", "Oct-26", "oct 2026", "October 2026", "last month", "oct", "Oct."),
    *("2026–10", "２０２６-１０"),
]


async def test_a_month_is_understood_as_people_write_it(
    team: Team, october: Bills, subtests: pytest.Subtests
) -> None:
    for month in OCTOBER:
        with subtests.test(month=month):
            for line in (f"generate {month}", f"generate acme {month}", f"send {month}"):
                assert "October 2026" in said(await team.ana.types(f"/bill {line}")), line
            for line in (f"list {month}", f"list {month} acme", f"list acme {month}"):
                assert "Acme Corp" in said(await team.kim.types(f"/bill {line}")), line
            assert f"#{october.acme}" in said(await team.kim.types(f"/bill show acme {month}"))
            assert "Acme Corp" in said(await team.kim.types(f"/usage acme {month}"))


NAMES = ['"Acme Corp"', "“Acme Corp”", "„Acme Corp“", "«Acme Corp»", "'acme corp'", "‘Acme’"]


async def test_quotation_marks_are_no_part_of_a_name(
    team: Team, october: Bills, subtests: pytest.Subtests
) -> None:
    for name in NAMES:
        with subtests.test(name=name):
            for line in (
                f"/bill show {name} 2026-10",
                f"/bill list {name} pending",
                f"/usage {name} 6m",
            ):
                assert "Acme Corp" in said(await team.kim.types(line)), line
            assert "Acme Corp" in said(await team.ana.types(f"/bill send {name} 2026-10"))
            assert "Lee" in (await team.kim.types("/bill away until 24.12.2026 “Lee”"))["text"]


async def test_a_customer_alone_is_its_only_bill_or_a_choice_of_its_months(
    team: Team, october: Bills
) -> None:
    assert f"#{october.acme}" in said(await team.kim.types("/bill show Acme Corp"))
    async with team.db.transaction() as session:
        await session.execute(
            sa.text(
                "insert into usages (customer_id, year, month, api_usage)"
                " select customer_id, 2026, 9, 1700 from bills where id = :id"
            ),
            {"id": october.acme},
        )
    await team.ana.clicks("Generate", on=await team.ana.types("/bill generate 2026-09"))
    await team.ana.told("September 2026")
    await until(lambda: "Acme Corp, September 2026" in str(team.kim.cards()))
    asked = await team.kim.types("/bill history “Acme Corp”")
    assert "Acme Corp has several bills. Which one?" in asked["text"]
    assert labels(asked) == ["Acme Corp 2026-10", "Acme Corp 2026-09"]
    await team.kim.clicks("Acme Corp 2026-09", on=asked)
    assert "September 2026" in said(team.again(asked))
    assert "“nonsense” names no bill" in (await team.kim.types("/bill show nonsense"))["text"]


async def test_a_documents_number_names_its_bill(team: Team, october: Bills) -> None:
    async with team.db.transaction() as session:
        acme, bolt = await session.scalars(sa.text("select id from customers order by id"))
        await write_bill(session, acme, Period(2026, 8), "2026-000123", "sent")
        await write_bill(session, bolt, Period(2026, 8), "CN-2026-000007", "sent", "credit")
        invoice, credit = await session.scalars(
            sa.text("select id from bills where number is not null order by customer_id")
        )
        assert await find_bill(session, "2026-000123") == invoice
        assert await find_bill(session, " “cn-2026-000007”") == credit
        assert (await find_scope(session, "2026-000123")).bill_id == invoice
        assert (await find_scope(session, "10/2026")).period == Period(2026, 10)
    for typed in ("/bill show 2026-000999", "/bill 2026-000999", "/bill send 2026-000999"):
        told = await team.ana.types(typed)
        assert told["text"] == (
            "There is no document 2026-000999. See which there are with /bill list."
        ), typed


LISTS = [
    *("2026-10 pending", "pending 2026-10", "acme pending 2026-10", "2026-10 acme pending"),
    *("waiting mine 2026-10 acme", "October 2026 mine pending acme", "acme mine"),
]


async def test_the_words_of_a_list_stand_in_any_order(
    team: Team, october: Bills, subtests: pytest.Subtests
) -> None:
    for typed in LISTS:
        with subtests.test(typed=typed):
            told = said(await team.kim.types(f"/bill list {typed}"))
            assert "Acme Corp" in told
            assert "October 2026" in told


async def test_a_state_that_is_spelt_wrong_is_not_taken_for_a_customer(
    team: Team, october: Bills
) -> None:
    for typed, meant in (
        ("peding", "/bill list pending"),
        ("2026-10 aproved", "/bill list approved 2026-10"),
        ("min", "/bill list mine"),
    ):
        told = await team.kim.types(f"/bill list {typed}")
        assert meant in said(told), typed
        assert "`" not in told["text"], typed
    assert "No customer is called “Quux”" in (await team.kim.types("/bill list Quux"))["text"]


NEAR = [
    ("lst", "/bill list"),
    ("lst mine", "/bill list mine"),
    ("generat", "/bill generate"),
    ("histroy #1", "/bill history #1"),
    ("aprove #11", "/bill show #11"),
    ("approve #11", "There is no bill #11. See which there are with /bill list."),
    (
        "reject acme 2026-10",
        "Acme Corp has no bill for October 2026. See which there are with /bill list.",
    ),
]


async def test_a_near_miss_is_answered_with_what_was_meant(
    team: Team, subtests: pytest.Subtests
) -> None:
    for typed, meant in NEAR:
        with subtests.test(typed=typed, meant=meant):
            told = (await team.kim.types(f"/bill {typed}"))["text"]
            assert meant in told
            assert "#42" not in told


async def test_a_number_sticks_to_its_word_or_stands_alone(team: Team, october: Bills) -> None:
    for typed in (f"show#{october.acme}", f"show: #{october.acme}", f"#{october.acme}"):
        assert "Acme Corp" in said(await team.kim.types(f"/bill {typed}")), typed


async def test_a_bill_is_shown_however_its_number_is_written(team: Team, october: Bills) -> None:
    acme = october.acme
    wide = str(acme).translate({48 + digit: 0xFF10 + digit for digit in range(10)})
    for ref in (
        f"#{acme}.",
        f"{acme},",
        f"bill #{acme}",
        f"№{acme}",
        f"#{acme} please",
        f"#{wide}",
    ):
        assert "Acme Corp" in said(await team.kim.types(f"/bill show {ref}")), ref
    for line in (f"＃{wide}", "Acme Corp", "show Acme Corp, October 2026", "show acme in october"):
        assert f"#{acme}" in said(await team.kim.types(f"/bill {line}")), line
    for text in (f"`show #{acme}`", "Acme Corp", "“show acme”"):
        before = len(team.kim.whispers(team.kim.dm))
        await team.sandbox.message("UKIM", team.kim.dm, text)
        await until(lambda before=before: len(team.kim.whispers(team.kim.dm)) > before)
        assert f"#{acme}" in said(team.kim.whispers(team.kim.dm)[-1]), text


async def test_a_list_of_all_and_of_a_month_in_a_sentence(team: Team, october: Bills) -> None:
    async with team.db.transaction() as session:
        await session.execute(
            sa.text("insert into customers (name, monthly_api_limit) values ('All Curly', 1)")
        )
    for line in ("all", "all october", "pending in october", "acme all"):
        assert "Acme Corp" in said(await team.kim.types(f"/bill list {line}")), line
    assert "of All Curly" in str(await team.kim.types("/bill list all curly"))
    told = said(await team.kim.types("/bill list sent min october"))
    assert "/bill list sent mine october" in told
    assert "Did you mean `" not in str(await team.kim.types("/bill list sent pendin october"))


async def test_a_span_of_usage_is_read_as_people_write_it(team: Team, october: Bills) -> None:
    for line in ("6m Acme Corp", "last 6 months acme", "acme jan..nov", "acme oct to nov"):
        assert "1,500" in said(await team.kim.types(f"/usage {line}")), line
    for line, why in (("acme 999m", "span of 1 to 99 months"), ("acme 2062", "has not begun")):
        assert why in (await team.kim.types(f"/usage {line}"))["text"], line


HELP = ["help", "Help!", "?", "-h", "--help", "HELP", "help me", ""]


async def test_help_is_found_however_it_is_asked_for(team: Team, subtests: pytest.Subtests) -> None:
    for typed in HELP:
        with subtests.test(typed=typed):
            for command, word in (
                ("bill", "generate"),
                ("usage", "CUSTOMER"),
                ("customer", "NAME"),
            ):
                assert f"/{command} {word}" in said(await team.kim.types(f"/{command} {typed}"))


async def test_help_with_one_command_is_about_that(team: Team) -> None:
    for typed in ("help void", "void help", "void --help", "void ?"):
        told = said(await team.kim.types(f"/bill {typed}"))
        assert "/bill void REF" in told, typed
        assert "/bill generate" not in told, typed


MISSPELT = (
    ("/usage recrod acme 2026-10 5", "Did you mean /usage record acme 2026-10 5?"),
    ("/usage Improt", "Did you mean /usage import?"),
    ("/usage imp", "Did you mean /usage import?"),
    ("/customer nwe Zoo Ltd", "Did you mean /customer new Zoo Ltd?"),
    ("/customer lsit", "Did you mean /customer list?"),
    ("/customer eidt acme", "Did you mean /customer edit acme?"),
    ("/customer record acme 2026-10 5", "Did you mean /usage record acme 2026-10 5?"),
    ("/bill import", "Did you mean /customer import or /usage import?"),
    ("/bill new Zoo Ltd", "Did you mean /customer new Zoo Ltd?"),
    ("/bill poeple", "Did you mean /bill people?"),
    ("/bill usage acme 12m", "Did you mean /usage acme 12m?"),
    ("/bill customer acme", "Did you mean /customer acme?"),
    ("/customer usage acme", "Did you mean /usage acme?"),
    ("/customer Zebra", "No customer is called “Zebra”"),
    ("/customer show acme", "Acme Corp"),
    ("/usage show “Acme Corp”", "Acme Corp"),
)


async def test_a_misspelt_word_is_answered_with_the_nearest_command(team: Team) -> None:
    for typed, told in MISSPELT:
        assert told in (await team.ana.types(typed))["text"], typed
    assert "Type /usage help" in (await team.ana.types("/usage recrod"))["text"]


async def test_customers_called_nearly_like_a_misspelt_command_are_offered_as_well(
    team: Team,
) -> None:
    async with team.db.transaction() as session:
        names = ("Recroda", "Impart Ltd", "List & Sons")
        session.add_all(Customer(name=name, monthly_api_limit=10) for name in names)
    both = await team.ana.types("/usage recordo")
    assert "Did you mean /usage record?" in both["text"]
    assert labels(both) == ["Recroda"]
    await team.ana.clicks("Recroda", on=both)
    assert "Usage: Recroda" in read(team.again(both))
    assert "Usage: Impart Ltd" in read(await team.ana.types("/usage impa"))
    assert "Usage: List & Sons" in read(await team.ana.types("/customer list & sons"))


async def test_plain_words_to_the_bot_are_answered_like_commands(
    team: Team, october: Bills
) -> None:
    for text, words in (
        ("help", "/usage CUSTOMER"),
        ("Hello!", "/bill help"),
        (f"show #{october.acme}", "Acme Corp"),
        (f"/bill show #{october.acme}", "Acme Corp"),
        ("usage acme", "1,500"),
        (f"approve #{october.acme}", "Acme Corp"),
        (f"undo #{october.acme}", "no decision"),
        ("show #77", "There is no bill #77."),
    ):
        before = len(team.kim.whispers(team.kim.dm))
        await team.sandbox.message("UKIM", team.kim.dm, text)
        await until(lambda before=before: len(team.kim.whispers(team.kim.dm)) > before)
        told = team.kim.whispers(team.kim.dm)[-1]
        assert words in told["text"] + said(told), text
    assert await verbs_of(team.db, october.acme) == ["generate"]


async def test_what_opens_a_dialog_is_named_to_whoever_writes_it(
    team: Team, october: Bills
) -> None:
    await team.sandbox.message("UANA", team.ana.dm, f"void #{october.acme}")
    await until(lambda: team.ana.whispers(team.ana.dm))
    told = team.ana.whispers(team.ana.dm)[-1]
    assert told["text"].startswith(f"To do that, type /bill void #{october.acme}.")
    assert "bill:more" in acts(told)


ONLY_TYPED = (
    ("record acme 2026-10 5", "/usage record acme 2026-10 5"),
    ("new customer Zoo Ltd", "/customer new Zoo Ltd"),
    ("edit acme", "/customer edit acme"),
    ("import usage", "/usage import"),
    ("please import customers", "/customer import"),
)


async def test_a_command_is_known_by_its_verb_and_in_the_order_of_a_sentence(team: Team) -> None:
    for text, meant in ONLY_TYPED:
        before = len(team.ana.whispers(team.ana.dm))
        await team.sandbox.message("UANA", team.ana.dm, text)
        told = team.ana.whispers(team.ana.dm)[before:]
        assert [one["text"] for one in told] == [f"To do that, type {meant}."], text


async def test_which_bills_is_asked_without_marks_of_code(team: Team) -> None:
    told = await team.ana.types("/bill send")
    assert "Which bills?" in told["text"]
    assert "`" not in told["text"] + said(told)


def test_every_example_in_a_refusal_is_set_as_code() -> None:
    """What stands between backticks in a sentence is recognised, or it would be shown with them."""
    for path in sorted(Path("handlers/slack").glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        bare = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                left = _EXAMPLE.sub("", node.value)
                assert id(node) in bare or left.count("`") < 2, (path, node.value)


@pytest.mark.parametrize(
    ("typed", "example"),
    [
        ("approve #1 and #2", "/bill approve #1"),
        ("Approve #2, #1", "/bill approve #2"),
        ("void #1 #2", "/bill void #1"),
        ("#1 #2", "/bill #1"),
    ],
)
async def test_who_names_several_bills_where_one_is_meant_is_told_how(
    typed: str, example: str, team: Team, october: Bills
) -> None:
    told = (await team.kim.types(f"/bill {typed}"))["text"]
    assert f"Name one bill at a time, as in {example}." in told
    assert ("tick them on Countersign’s Home tab" in told) is ("pprove" in typed)


async def test_two_bills_are_sent_by_the_names_of_their_months(team: Team, october: Bills) -> None:
    told = said(await team.ana.types("/bill send acme october, bolt oct"))
    assert "Acme Corp" in told and "Bolt Ltd" in told


async def test_a_name_that_no_customer_has_leads_on(team: Team, october: Bills) -> None:
    for line in ("/customer Zebra", "/usage Zebra", "/bill show Zebra 2026-10"):
        assert "See which there are with /customer list." in (await team.kim.types(line))["text"]
        told = (await team.ana.types(line))["text"]
        assert "with /customer list, or add it with /customer new." in told, line
    near = await team.ana.types("/usage Acmee Corp")
    assert "Add it with /customer new." in near["text"] and labels(near) == ["Acme Corp"]


async def test_a_state_that_there_is_none_of_is_told_with_those_there_are(
    team: Team, october: Bills
) -> None:
    told = (await team.kim.types("/bill list paid"))["text"]
    states = "held, pending, approved, rejected, sending, sent and void"
    assert f"It is no state of a bill either: those are {states}." in told


@pytest.mark.parametrize(
    ("typed", "named"),
    [
        ("#1 #2, 3", ["#1", "#2", "3"]),
        ("2026-000123 CN-2026-000007", ["2026-000123", "CN-2026-000007"]),
        ("#1 and #2", ["#1", "#2"]),
        ("#1;#2.", ["#1", "#2"]),
        ("＃１, №2", ["#1", "#2"]),
        ("Acme, Inc 2026-10 #4", ["Acme, Inc 2026-10", "#4"]),
        ("Acme Oct 2026, Bolt Ltd 10/2026", ["Acme Oct 2026", "Bolt Ltd 10/2026"]),
        ("“Acme, Inc” 2026-10, “Bolt”", ["“Acme, Inc” 2026-10", "“Bolt”"]),
        ("Acme october, Bolt Ltd oct", ["Acme october", "Bolt Ltd oct"]),
        ("Acme Corp October and Bolt Ltd 2026-10", ["Acme Corp October", "Bolt Ltd 2026-10"]),
        ("Acme 2026-10 and Bolt October; #4", ["Acme 2026-10", "Bolt October", "#4"]),
        ("“Acme, Inc” October and “Bolt” oct", ["“Acme, Inc” October", "“Bolt” oct"]),
        ("Acme May Corp 2026-10", ["Acme May Corp 2026-10"]),
        ("Sons and Co 2026-10", ["Sons and Co 2026-10"]),
    ],
)
def test_several_bills_are_told_apart(typed: str, named: list[str]) -> None:
    assert refs(typed) == named


def test_a_month_stands_at_either_end() -> None:
    assert split_month("October 2026 Acme") == ("October 2026", "Acme")
    assert split_month("Acme May 2026-10") == ("2026-10", "Acme May")
    assert split_month("May Corp") == (None, "May Corp")
    assert split_month("May Corp Oct", bare=True) == ("Oct", "May Corp")


def test_a_word_ends_where_a_number_or_a_mark_begins() -> None:
    assert subcommand_and_rest("undo#1") == ("undo", "#1")
    assert subcommand_and_rest("Show, “Acme”") == ("show", "“Acme”")
    assert subcommand_and_rest("Help!") == ("help", "")
    assert subcommand_and_rest("#12") == ("#12", "")


async def test_a_customer_called_like_a_month_is_found_by_its_name(
    team: Team, october: Bills
) -> None:
    async with team.db.transaction() as session:
        rename = "update customers set name = 'May' where name = 'Bolt Ltd'"
        await session.execute(sa.text(rename))
    assert f"#{october.bolt}" in said(await team.kim.types("/bill show May"))
    assert "May" in said(await team.kim.types("/bill list May 2026-10"))
    assert acts(await team.kim.types("/usage May 12m")) == ["usage:share", "page:open"]


async def test_the_beginning_of_a_name_stands_for_its_bill_where_no_command_does(
    team: Team, october: Bills
) -> None:
    for typed in ("acme", "Acme Corp 2026-10", "bolt october", f"comment #{october.acme} hi"):
        assert f"#{october.bolt if 'bolt' in typed else october.acme}" in said(
            await team.kim.types(f"/bill {typed}")
        ), typed
    for typed in (f"reject #{october.acme} wrong limit", "reject acme oct: wrong limit"):
        assert "bill:reject" in acts(await team.kim.types(f"/bill {typed}")), typed
    assert "Type /bill help" in (await team.kim.types("/bill quux"))["text"]


WORDS = (
    ("what waits for me?", "Acme Corp", "list"),
    ("please show me the bill of acme for october, thanks!", "Acme Corp", "card"),
    ("approve acme october", "Acme Corp", "card"),
    ("usage of acme", "1,500", "usage"),
    ("show bill {acme}", "Acme Corp", "card"),
    ("reject acme: wrong limit", "Acme Corp", "card"),
    ("acme", "Acme Corp", "card"),
    ("usage of acme for the last 12 months", "1,500", "usage"),
    ("customers", "Bolt Ltd", "list"),
    ("show customer acme", "Latest bills", "customer"),
    ("back", "To do that, type /bill back.", "sentence"),
    ("shwo acme", "/bill show acme", "nearest"),
    ("hallo", "/bill help", "nearest"),
    ("what is the meaning of life", "Countersign does not understand", "nearest"),
)


async def test_plain_words_are_answered_with_what_they_name_and_decide_nothing(
    team: Team, october: Bills
) -> None:
    bot = f"<@{team.sandbox.bot_user_id}>"
    for text, words, _ in WORDS:
        for place, addressed in ((team.kim.dm, ""), ("CBILLS", f"{bot} ")):
            before = len(team.kim.whispers(place))
            line = addressed + text.format(acme=october.acme)
            await team.sandbox.message("UKIM", place, line)
            told = team.kim.whispers(place)[before:]
            assert len(told) == 1, line
            assert words in told[0]["text"] + said(told[0]), line
    nearest = team.kim.whispers(team.kim.dm)[-1]
    assert said(nearest).count("/bill") + said(nearest).count("/usage") >= 3
    assert await verbs_of(team.db, october.acme) == ["generate"]


async def test_a_mention_below_a_card_is_a_comment_and_no_more(team: Team, october: Bills) -> None:
    card = await card_in_channel(team, october.acme)
    await team.kim.replies(f"<@{team.sandbox.bot_user_id}> is that the usage of October?", card)
    assert await verbs_of(team.db, october.acme) == ["generate", "comment"]
    assert team.kim.whispers("CBILLS") == []


async def _answered(person: Person, text: str) -> Seen:
    """What a person is answered to words in their conversation with the bot."""
    before = len(person.whispers(person.dm))
    await person.sandbox.message(person.slack_id, person.dm, text)
    await until(lambda: len(person.whispers(person.dm)) > before)
    return person.whispers(person.dm)[-1]


REMARKS = (
    "please reject acme october, wrong limit",
    "reject acme october 2026 because the limit is wrong",
    "reject the bill of acme for october - wrong limit",
    "reject Acme Corp last month the limit is wrong",
    "reject acme, wrong limit",
    "reject #{acme} wrong limit",
    "reject {acme}: wrong limit, same as #{bolt}",
)


async def test_a_remark_behind_a_bill_does_not_hide_which_is_meant(
    team: Team, october: Bills
) -> None:
    numbers = {"acme": october.acme, "bolt": october.bolt}
    for text in REMARKS:
        line = text.format(**numbers)
        told = said(await _answered(team.kim, line))
        assert "Bills are rejected with the button on the card" in told, line
        assert f"#{october.acme}" in told, line
    assert "history" in str(await team.kim.types(f"/bill history #{october.acme} why so much?"))
    for unclear in (
        f"show #{october.acme} and #{october.bolt}",
        f"show #{october.acme}, bolt Oct 2026",
    ):
        assert "bill:approve" not in acts(await team.kim.types(f"/bill {unclear}")), unclear
    absent = await team.kim.types("/bill show acme 2026-01, wrong limit")
    assert "Acme Corp has no bill for January 2026." in said(absent)
    assert await verbs_of(team.db, october.acme) == ["generate"]


async def test_whom_to_ask_instead_is_chosen_on_the_card_that_words_bring(
    team: Team, october: Bills
) -> None:
    for told in (
        await _answered(team.ana, f"reassign #{october.acme} to lee"),
        await team.ana.types("/bill reassign acme october to lee"),
    ):
        assert read(told).startswith("Another approver is asked with the button Reassign")
        assert "bill:reassign" in acts(told)
    refused = await _answered(team.kim, f"reassign #{october.acme} to lee")
    assert "only Finance may ask another approver" in said(refused)
    assert "bill:reassign" not in acts(refused)
    assert await verbs_of(team.db, october.acme) == ["generate"]


NEAREST = (
    ("kim", "how much did acme use in september?", "/usage Acme Corp September 2026"),
    ("kim", "calls of that acme customer", "/usage Acme Corp"),
    ("kim", "remind lee", "/bill list pending mine"),
    ("ana", "could somebody nudge lee about #{acme}", "/bill list pending mine"),
    ("ana", "remind lee about #{acme}", "/bill reassign #{acme}"),
    ("ana", "can I upload a file", "/usage import"),
    ("ana", "we want to cancel the one of acme for october", "/bill void Acme Corp October 2026"),
)


async def test_words_lead_to_the_command_that_they_mean_with_what_they_name(
    team: Team, october: Bills
) -> None:
    for who, text, command in NEAREST:
        line, meant = (one.format(acme=october.acme) for one in (text, command))
        told = read(await _answered(getattr(team, who), line))
        assert "does not understand" in told, line
        assert meant in told, line
    assert await verbs_of(team.db, october.acme) == ["generate"]


FINANCES = ("generate", "release", "people", "void", "record", "import", "reassign")


async def test_nobody_is_offered_what_their_role_may_not_do(team: Team, october: Bills) -> None:
    for text in ("remind lee", "relaese it somehow", "roles of my colleagues", "upload a file"):
        told = read(await _answered(team.kim, text))
        assert not [one for one in FINANCES if f" {one}" in told.partition("”")[2]], text


async def test_greetings_and_help_tell_of_all_three_commands_what_ones_role_may_do(
    team: Team,
) -> None:
    for text in ("hello", "Good morning!", "hi there", "thanks", "what can you do?", "help"):
        kims = read(await _answered(team.kim, text))
        assert all(one in kims for one in ("/bill show", "/customer NAME", "/usage CUSTOMER")), text
        assert not [one for one in FINANCES if f"/bill {one}" in kims], text
    anas = read(await _answered(team.ana, "help"))
    assert all(one in anas for one in ("/bill generate", "/customer new", "/usage record"))
    assert "/bill away" not in anas
    assert "/usage record [" in read(await _answered(team.ana, "help record"))


async def test_the_table_of_commands_says_whose_each_is(team: Team, october: Bills) -> None:
    manager = User(name="Max", role=Role.MANAGER, active=True)
    for command, known in SUBCOMMANDS.items():
        for one in known:
            example = one.example.replace("#42", f"#{october.acme}")
            told = read(await team.max.types(f"/{command} {example}"))
            assert ("Your role is Manager" in told) != manager.can(one.permission), one
