"""The whole of one workspace: its stores, its app, its clock, and who is told what happens."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from sandbox.fake_slack.shapes import JsonObject
from sandbox.fake_slack.world.files import FileStore
from sandbox.fake_slack.world.installation import Installation
from sandbox.fake_slack.world.surfaces import ResponseUrls, Surfaces, Triggers
from sandbox.fake_slack.world.workspace import Conversation, Workspace


class News(Protocol):
    """Tells the app that something happened."""

    def message(self, conversation: Conversation, event: JsonObject) -> object: ...

    def event(self, name: str, event: JsonObject) -> object: ...


class NullNews:
    """Tells nobody; stands in until delivery is set up."""

    def message(self, conversation: Conversation, event: JsonObject) -> None:
        del conversation, event

    def event(self, name: str, event: JsonObject) -> None:
        del name, event


@dataclass
class Slack:
    """The whole of one sandbox's Slack, as its methods and its people see it."""

    workspace: Workspace
    installation: Installation
    surfaces: Surfaces
    triggers: Triggers
    response_urls: ResponseUrls
    files: FileStore
    clock: Callable[[], float]
    news: News = field(default_factory=NullNews)
    base_url: str = ""
    websocket_url: Callable[[], str] = lambda: ""
    warnings: list[str] = field(default_factory=list)
    """`method: argument` for each argument that the app sent and the method has not."""

    def stores(self, slack_file: JsonObject) -> bool:
        """Whether an image may show this file: uploaded, completed, named by id or address."""
        address = str(slack_file.get("url", ""))
        named = slack_file.get("id") or address.partition("/files-pri/")[2].partition("/")[0]
        file = self.files.files.get(named)
        return file is not None and file.complete

    def bot_author(self) -> JsonObject:
        """The fields of every message that say the app wrote it."""
        installed = self.installation
        return {
            "user": installed.bot_user_id,
            "team": installed.team_id,
            "bot_id": installed.bot_id,
            "app_id": installed.app_id,
            "bot_profile": installed.bot_profile(),
        }
