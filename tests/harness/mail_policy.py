"""What Postfix asks about each recipient: answered by a table that tests fill."""

import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

TAKE = "dunno"


@dataclass
class Policy:
    """`answers` by recipient, used up one by one; `slow_s` before each."""

    port: int = 0
    answers: dict[str, list[str]] = field(default_factory=dict)
    slow_s: float = 0

    def forget(self) -> None:
        self.answers, self.slow_s = {}, 0

    def answer(self, recipient: str) -> str:
        time.sleep(self.slow_s)
        left = self.answers.get(recipient)
        return left.pop(0) if left else TAKE


@contextmanager
def policy_service() -> Iterator[Policy]:
    policy = Policy()

    class Asked(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            asked: dict[str, str] = {}
            for line in self.rfile:
                name, _, value = line.decode().rstrip("\n").partition("=")
                if name:
                    asked[name] = value
                else:
                    self.wfile.write(f"action={policy.answer(asked['recipient'])}\n\n".encode())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Asked) as server:
        server.daemon_threads = True
        policy.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield policy
        server.shutdown()
