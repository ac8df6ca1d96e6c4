"""What must be true of letters on their way, and of a pause of all mail."""

from tests.lives.ledger import Ledger, Row


def check_letters(ledger: Ledger) -> None:
    """What is amiss is noted of what has a number and is on its way, or of whom it missed."""
    for row in ledger.deliveries:
        bill = ledger.bill[row.bill_id]
        assert bill.number is not None
        on_its_way = bill.status == "sending"
        assert on_its_way or (row.trouble, row.unheard, row.next_at) == (None, 0, None)
        assert row.trouble or not row.unheard
        assert on_its_way or row.missing
        assert not row.missing or ledger.did(bill.id, "deliver")
    for pause in ledger.mail_pause:
        assert pause.tries > 0
        assert pause.since <= pause.tried_at <= pause.until
    assert len(ledger.mail_pause) <= 1


def check_word(before: Ledger, after: Ledger, action: Row) -> None:
    """A delivery has the server's answer, or the word of Finance where that was not heard."""
    if "answer" in action.snapshot:
        return
    assert action.snapshot["by_word"]
    assert action.comment
    assert before.delivery[action.bill_id].unheard > 0
    assert after.user[action.stakeholder_id].role == "Finance"


def check_repeat(before: Ledger, after: Ledger, action: Row) -> None:
    """What is mailed once more is the same letter, whose outcome nobody heard, and due at once."""
    was = before.bill[action.bill_id]
    if was.status != "sending":
        return
    assert "due" not in action.snapshot
    earlier, now = before.delivery[was.id], after.delivery[was.id]
    assert earlier.unheard > 0
    assert (now.unheard, now.next_at) == (earlier.unheard, None)
    assert after.document[was.id] == before.document[was.id]
