"""What a request asks for: its fields, and numbers and choices among them."""

from collections.abc import Collection, Mapping
from urllib.parse import parse_qsl

from starlette.requests import Request

from stages.lib.errors import UserError


async def fields(request: Request) -> dict[str, str]:
    """The fields of a form, the last of each name."""
    body = await request.body()
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=100))
    except ValueError as error:
        raise UserError("the form cannot be read; send it from the page") from error


def number(given: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    """A whole number within bounds."""
    text = given.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or not least <= int(text[:9]) <= most:
        raise UserError(f"{name}: expected a number from {least} to {most}, got {text[:40]!r}")
    return int(text)


def choice(given: Mapping[str, str], name: str, among: Collection[str], default: str = "") -> str:
    """One of several values."""
    text = given.get(name) or default
    if text not in among:
        raise UserError(f"{name}: expected one of {', '.join(among)}, got {text[:40]!r}")
    return text
