"""What is said of bills that somebody approves together."""

from handlers.wording.bill_text import amount, short_title
from handlers.wording.formatting import bill_count, number, totals
from handlers.wording.refusals import why_refused
from models.batches.bulk_approve import ApprovalOutcome, ApprovalReport
from models.errors import Refusal


def why_left_out(refused: Refusal) -> str:
    """Why one bill of a list was not approved, as whole sentences."""
    return why_refused(refused)


def approving_text(report: ApprovalReport) -> str:
    """How far a list is: "Approving 40 of 312 bills"."""
    done = report.approved + report.left_out
    return f"Approving {number(done)} of {bill_count(report.bills)}"


def approved_text(report: ApprovalReport) -> str:
    """What came of a list that has ended, as whole sentences."""
    if not report.approved:
        return "No bill was approved."
    given = "Approved"
    if report.awaited == report.approved:
        given = "Recorded your approval of"
    if report.left_out:
        count = f"{number(report.approved)} of {bill_count(report.bills)}"
    else:
        count = bill_count(report.approved)
    return f"{given} {count}, {totals(report.totals)}.{_awaited(report)}"


def _awaited(report: ApprovalReport) -> str:
    if not report.awaited:
        return ""
    if report.awaited == report.approved:
        return " Another approval is still needed."
    verb = "needs" if report.awaited == 1 else "need"
    return f" {number(report.awaited)} of them still {verb} another approval."


def approved_heading(approved: int, awaited: int, bills: int) -> str:
    """As in "1 of 3 approved, 1 waits for another approval"; `approved` are those that do not."""
    waiting = f", {number(awaited)} {'waits' if awaited == 1 else 'wait'} for another approval"
    return f"{number(approved)} of {number(bills)} approved{waiting if awaited else ''}"


def outcome_text(one: ApprovalOutcome) -> str:
    """What came of one bill: "#42, Acme Corp, October 2026, $1,000.00: approved."."""
    which = f"#{one.line.id}, {short_title(one.line)}, {amount(one.line)}"
    if one.left_out:
        return f"{which}: left out. {one.left_out}"
    told = "approved by you, another approval is still needed" if one.awaited else "approved"
    return f"{which}: {told}."
