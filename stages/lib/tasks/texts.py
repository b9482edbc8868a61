"""A task's corpus: the texts that the indices of its rows count."""

from collections.abc import Iterable
from pathlib import Path
from string import Formatter

from stages.lib.core.files import read_jsonl, write_jsonl
from stages.lib.errors import UserError


def fields(template: str) -> list[str]:
    """The fields that a template such as `{title} {text}` names.

    Raises:
        ValueError: no field, or more than a field's name between the braces.

    """
    parts = list(Formatter().parse(template))
    names = [name for _, name, form, conversion in parts if name is not None]
    plain = all(name.isidentifier() for name in names)
    if not names or not plain or any(form or conversion for _, _, form, conversion in parts):
        raise ValueError(f"{template!r} names no fields as '{{title}} {{text}}' does")
    return names


def read_texts(path: Path, template: str) -> list[str]:
    """The texts of a corpus, one JSON object a line, in its order.

    Args:
        path: the corpus.
        template: which fields make a text, and how.

    Raises:
        UserError: a line without such a field, or no line at all.

    """
    try:
        names = fields(template)
    except ValueError as error:
        raise UserError(f"key_template: {error}") from error
    texts = []
    for number, row in read_jsonl(path):
        missing = next((name for name in names if not isinstance(row.get(name), str)), None)
        if missing is not None:
            raise UserError(
                f"{path}:{number}: {missing!r} is missing or not a string; a text is {template!r}, "
                "which key_template changes"
            )
        texts.append(template.format_map({name: row[name] for name in names}).strip())
    if not texts:
        raise UserError(f"{path}: the corpus is empty; expected one JSON object a line")
    return texts


def write_texts(path: Path, texts: Iterable[str]) -> None:
    """Writes texts as a corpus of the one field `text`."""
    write_jsonl(path, ({"text": text} for text in texts))
