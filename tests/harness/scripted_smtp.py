"""A mail server that answers as its script says: what real ones do only now and then."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

USUAL = {
    "EHLO": "250-scripted\r\n250-SIZE 30000000\r\n250 8BITMIME",
    "MAIL": "250 ok",
    "RCPT": "250 ok",
    "DATA": "354 go on",
    ".": "250 queued",
    "QUIT": "221 bye",
}
HANG_UP, SILENCE = "hang up", "silence"


@dataclass
class Script:
    """`answers` by the beginning of a line, the longest that fits; `.` ends a letter. An answer of
    HANG_UP, or one that ends with it, closes the line; SILENCE says nothing.
    """

    answers: Mapping[str, str] = field(default_factory=dict)
    port: int = 0
    heard: list[str] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    connections: int = 0

    def answer(self, line: str) -> str:
        told = USUAL | dict(self.answers)
        fitting = [one for one in told if line.upper().startswith(one.upper())]
        return told[max(fitting, key=len)] if fitting else "500 what"

    def count(self, command: str) -> int:
        return sum(line.upper().startswith(command) for line in self.heard)


@asynccontextmanager
async def scripted(**answers: str) -> AsyncIterator[Script]:
    """Serves for the time of the block; `end` stands for the end of a letter, `rcpt_X` for the
    recipient X, `data_X` for the letter whose last recipient is X.
    """
    script = Script({_line(one): told for one, told in answers.items()})
    server = await asyncio.start_server(_speaker(script), "127.0.0.1", 0, limit=2**24)
    async with server:
        script.port = server.sockets[0].getsockname()[1]
        yield script


def _line(name: str) -> str:
    command, _, whom = name.partition("_")
    return "." if name == "end" else f"{command.upper()} TO:<{whom}" if whom else command.upper()


def _speaker(
    script: Script,
) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        script.connections += 1
        writer.write(f"{script.answers.get('HELLO', '220 scripted')}\r\n".encode())
        whom = ""
        try:
            while line := (await reader.readline()).decode().strip():
                script.heard.append(line)
                whom = line[len("RCPT") :] if line.startswith("RCPT") else whom
                answer = script.answer(f"{line}{whom}" if line == "DATA" else line)
                if not _say(writer, answer):
                    return
                if answer.startswith("354"):
                    script.taken.append((await reader.readuntil(b"\r\n.\r\n")).decode())
                    if not _say(writer, script.answer(".")):
                        return
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    return speak


def _say(writer: asyncio.StreamWriter, answer: str) -> bool:
    """Whether the line stays open."""
    words = answer.removesuffix(HANG_UP).strip()
    if words and words != SILENCE:
        writer.write(f"{words}\r\n".encode())
    return not answer.endswith(HANG_UP)
