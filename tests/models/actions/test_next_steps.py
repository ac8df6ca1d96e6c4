"""What a refusal may advise is known to whoever asks; whether it does, `test_matrix` tries."""

import subprocess
import sys

from models.bills.states import Verb
from tests.models.actions.test_matrix import OFFERED

ADVISED = """
from models.actions.next_steps import CHECKS, check_of
print(*sorted(verb for verb in CHECKS if callable(check_of(verb))))
"""


def test_what_is_looked_at_before_a_verb_is_advised_is_there_whatever_was_imported() -> None:
    told = subprocess.run(
        [sys.executable, "-c", ADVISED], check=True, capture_output=True, text=True
    )
    assert {*map(Verb, told.stdout.split())} > OFFERED
