"""The front door of the Web API: faults, tokens, scopes, rate limits, arguments, the envelope."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from aiohttp import web

from sandbox.fake_slack.api.arguments import Args, read_arguments
from sandbox.fake_slack.api.context import Call
from sandbox.fake_slack.api.known_arguments import unknown_arguments, with_warnings
from sandbox.fake_slack.api.methods import COMMON_ERRORS, METHODS, Method
from sandbox.fake_slack.shapes import JsonObject, SlackError
from sandbox.fake_slack.world.faults import Fault, Faults
from sandbox.fake_slack.world.rates import Rates
from sandbox.fake_slack.world.slack import Slack

_log = logging.getLogger(__name__)


class SlackApi:
    """Serves `/api/METHOD`."""

    def __init__(self, slack: Slack, rates: Rates, faults: Faults) -> None:
        self._slack = slack
        self._rates = rates
        self._faults = faults

    def routes(self) -> list[web.RouteDef]:
        return [web.route("*", "/api/{method}", self.handle)]

    async def handle(self, request: web.Request) -> web.Response:
        name = request.match_info["method"]
        fault = self._faults.for_call(name)
        return await with_fault(fault, request, lambda: self._answer(request, name))

    async def _answer(self, request: web.Request, name: str) -> web.Response:
        headers = {"X-OAuth-Scopes": ",".join(sorted(self._slack.installation.scopes))}
        try:
            body = await self._call(request, name, headers)
        except SlackError as error:
            if error.code == "ratelimited":
                headers["Retry-After"] = str(error.extra.pop("retry_after"))
                return web.json_response(error.body(), status=429, headers=headers)
            body = error.body()
        return web.json_response(body, headers=headers)

    async def _call(self, request: web.Request, name: str, headers: dict[str, str]) -> JsonObject:
        method = METHODS.get(name)
        if method is None:
            raise SlackError("unknown_method", req_method=name)
        headers["X-Accepted-OAuth-Scopes"] = ",".join(method.scopes)
        args, token = await read_arguments(request, json_allowed=method.reads_json)
        self._check_token(method, token)
        self._check_rate(method, args)
        call = Call(self._slack, args)
        for scope in method.scopes:
            call.need_scope(scope)
        _check_required(method, args)
        unknown = unknown_arguments(name, args.plain())
        self._slack.warnings.extend(f"{name}: {argument}" for argument in unknown)
        try:
            return with_warnings({"ok": True, **await method.handler(call)}, unknown)
        except SlackError as error:
            if error.code not in method.errors | COMMON_ERRORS and name != "api.test":
                _log.error("%s answered %s, which is not in its table", name, error.code)
            raise

    def _check_token(self, method: Method, token: str) -> None:
        if not method.token:
            return
        if not token:
            raise SlackError("not_authed")
        installed = self._slack.installation
        kind = {installed.bot_token: "xoxb", installed.app_token: "xapp"}.get(token)
        if kind is None:
            raise SlackError("invalid_auth")
        if kind != method.token:
            raise SlackError("not_allowed_token_type")

    def _check_rate(self, method: Method, args: Args) -> None:
        channel = args.text("channel") if method.tier == "post" else ""
        wait = self._rates.wait_s(method.name, method.tier, channel)
        if wait:
            raise SlackError("ratelimited", retry_after=wait)


def _check_required(method: Method, args: Args) -> None:
    missing = [name for name in method.required if not args.given(name)]
    if missing:
        raise SlackError.with_messages(
            "invalid_arguments", [f"[ERROR] missing required field: {name}" for name in missing]
        )


async def with_fault(
    fault: Fault | None, request: web.Request, answer: Callable[[], Awaitable[web.Response]]
) -> web.Response:
    """The real answer, or what a fault makes of it, before or after it has had its effect."""
    if fault is None:
        return await answer()
    if fault.kind == "delay":
        await asyncio.sleep(fault.seconds)
        return await answer()
    if fault.kind == "lost_response" or fault.effect:
        await answer()
    return _failure(request, fault)


def _failure(request: web.Request, fault: Fault) -> web.Response:
    if fault.kind == "ratelimited":
        return web.json_response(
            {"ok": False, "error": "ratelimited"},
            status=429,
            headers={"Retry-After": str(fault.retry_after)},
        )
    if fault.kind == "error" and fault.error:
        return web.json_response({"ok": False, "error": fault.error})
    if fault.kind == "error":
        return web.Response(status=fault.status)
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)
