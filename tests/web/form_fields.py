"""The fields of a form, as a browser would send them."""

import re
from html import unescape


def form_to(page: str, action: str) -> str:
    """The HTML of the one form of a page that leads there."""
    [form] = re.findall(rf'<form [^>]*action="{re.escape(action)}".*?</form>', page, re.S)
    return str(form)


def fields_of(form: str) -> dict[str, str]:
    """What is in a form as it stands; of several fields of one name the last."""
    fields = {}
    for tag in re.findall(r"<input [^>]*>", form):
        told = dict(re.findall(r'([\w.-]+)="([^"]*)"', tag))
        if told.get("type") != "checkbox" or " checked" in tag:
            fields[told["name"]] = unescape(told.get("value", ""))
    for name, inner in re.findall(
        r'<textarea [^>]*?name="(\w+)"[^>]*>(.*?)</textarea>', form, re.S
    ):
        fields[name] = unescape(inner.removeprefix("\n"))
    choices = re.findall(r'<select [^>]*?name="(\w+)"[^>]*>(.*?)</select>', form, re.S)
    for name, inner in choices:
        values = re.findall(r'<option value="([^"]*)"( selected)?', inner)
        fields[name] = unescape(next((v for v, chosen in values if chosen), values[0][0]))
    return fields
