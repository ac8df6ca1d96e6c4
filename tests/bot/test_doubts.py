"""Words that a server has for strangers: whom they are taken to be about."""

from bot.mail.doubts import DOMAINS, TRIES, Doubts, Verdict

OPEN, THIS_ONE, ALL = Verdict


def test_a_lone_bill_is_tried_a_few_times_and_then_is_the_customers_trouble() -> None:
    doubts = Doubts()
    said = [doubts.not_taken(1, "a.example") for _ in range(TRIES)]
    assert said == [OPEN] * (TRIES - 1) + [THIS_ONE]


def test_what_is_taken_between_two_tries_shows_that_we_are_served() -> None:
    doubts = Doubts()
    assert doubts.not_taken(1, "a.example") is OPEN
    doubts.taken(2, "b.example")
    assert doubts.not_taken(1, "a.example") is THIS_ONE
    assert doubts.not_taken(3, "a.example") is THIS_ONE
    assert doubts.not_taken(4, "c.example") is OPEN


def test_many_bills_to_one_domain_are_one_doubt() -> None:
    doubts = Doubts()
    assert {doubts.not_taken(bill, "a.example") for bill in range(9)} == {OPEN}


def test_several_domains_in_a_row_are_our_own_trouble_until_one_is_taken() -> None:
    doubts = Doubts()
    said = [doubts.not_taken(bill, f"{bill}.example") for bill in range(DOMAINS)]
    assert said == [OPEN] * (DOMAINS - 1) + [ALL]
    assert doubts.not_taken(0, "0.example") is ALL
    doubts.taken(8, "8.example")
    assert doubts.not_taken(9, "9.example") is OPEN


def test_customers_who_are_known_not_to_be_served_never_stop_the_others() -> None:
    doubts = Doubts()
    for bill in range(DOMAINS + 1):
        assert doubts.not_taken(bill, f"{bill}.example") is OPEN
        doubts.taken(99, "fine.example")
    again = [doubts.not_taken(bill, f"{bill}.example") for bill in range(DOMAINS + 1)]
    assert set(again) == {THIS_ONE}


def test_a_domain_that_is_taken_after_all_is_served() -> None:
    doubts = Doubts()
    doubts.not_taken(1, "a.example")
    doubts.taken(2, "b.example")
    assert doubts.not_taken(1, "a.example") is THIS_ONE
    doubts.taken(3, "a.example")
    assert doubts.not_taken(4, "a.example") is OPEN
