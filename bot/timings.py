"""How fast the program does things; seconds throughout. Tests and trials make it quicker."""

from dataclasses import dataclass
from datetime import UTC, datetime


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Timings:
    """`pace`: between messages to one channel, Slack's own limit. `settle`: how long a message
    whose fate is unknown may take to show up. `progress`: between updates of a progress message,
    and `courtesy` between those of all digests, progress and outcomes together, whichever process
    draws them: fifty a minute; 0: as they come.
    `sweep`: between looks for what was left behind. A worker that has not given a sign for
    `stalled`, where `heartbeat` is usual, is dead. `back_off_first` doubles up to
    `back_off_longest`, or to `back_off_mending` where somebody has to do something first. After
    `attempts` a message gives way to others of its recipient; once it is as old as `give_up` it is
    given up. A letter is given up `mail_give_up` after its bill was to go out, a run after as many
    failures as `run_attempts`; bills that somebody else is at are come back to so often as
    `send_attempts`; what came of a letter is written down again after each of `record_again`.
    `mail_unheard`: before a letter is mailed again that may have arrived, each time it was not
    answered; then it counts as failed. `mail_pause`: after a try that takes somebody to mend,
    doubled up to `back_off_mending`; `mail_turn`: for so long the others leave it to one letter to
    try again. `mail_gap`: from one letter to the next, of all workers; 0: as fast as they go.
    `mail_heard`: for so long numbers are taken without a greeting after the mail server listened.
    `mail_late`: so long after a pause of mail those are woken that had only just found it.
    `mail_quiet`: for so long Finance is not told of a server that may come back.
    `mailbox`: between looks for answers to letters; who looks is left `mailbox_turn` for it.
    `heal`: how many ids of cards, and bills on their way, a sweep looks at. `tick`: between looks
    at what time alone brings about; infinite, nobody looks. `again`: before a worker that lost its
    database looks for it. `ping`: between signs of life of the socket, `watch`: between looks at
    it; without one for `reconnect` the address is asked for anew, without one for `hopeless` the
    program ends.
    `missed`: between looks whether replies may have been missed; infinite, nobody looks.
    `ask_again`: before Slack is asked once more what it did not answer, doubled the second time.
    `statement` and `lock`: how long the database is waited for while a person waits; `work`: how
    long a request is worked on before it is called off, less than the 3 s that Slack waits.
    `bulk`: how long the database is waited for by a job that tells of any number of bills.
    `webhook`: how long a webhook's receiver may take to answer.
    """

    pace: float = 1.0
    settle: float = 3.0
    progress: float = 3.0
    courtesy: float = 1.2
    poll: float = 1.0
    sweep: float = 2.0
    heartbeat: float = 2.0
    stalled: float = 10.0
    back_off_first: float = 1.0
    back_off_longest: float = 120.0
    back_off_mending: float = 600.0
    attempts: int = 8
    give_up: float = 7 * 86_400.0
    mail_give_up: float = 86_400.0
    mail_unheard: tuple[float, ...] = (4 * 3_600.0, 12 * 3_600.0)
    mail_pause: float = 60.0
    mail_turn: float = 900.0
    mail_gap: float = 0.0
    mail_heard: float = 300.0
    mail_late: float = 2.0
    mail_quiet: float = 900.0
    mailbox: float = 60.0
    mailbox_turn: float = 300.0
    record_again: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0, 16.0)
    heal: int = 5000
    tick: float = 5.0
    run_attempts: int = 5
    send_attempts: int = 5
    watch: float = 5.0
    reconnect: float = 15.0
    hopeless: float = 120.0
    statement: float = 2.0
    lock: float = 1.0
    work: float = 2.0
    bulk: float = 300.0
    ping: float = 5.0
    again: float = 1.0
    ask_again: float = 0.5
    missed: float = 30.0
    webhook: float = 15.0
