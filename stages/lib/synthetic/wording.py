"""The words that prompts have for the families: a YAML file that people may change."""

from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field, TypeAdapter, ValidationError

from stages.lib.errors import UserError
from stages.lib.llm.prompts import read_prompt
from stages.lib.synthetic.families import FAMILIES
from stages.lib.values import Section

Words = Annotated[str, Field(min_length=1)]


class Wording(Section):
    """What a family means, three tasks that show the form, and the fields of an example."""

    kind: Words
    samples: Annotated[list[Words], Field(min_length=1)]
    fields: dict[str, Words]


WORDINGS = TypeAdapter(dict[str, Wording])


def read_wordings(path: Path) -> dict[str, Wording]:
    """The words of each family.

    Raises:
        UserError: a family or a field of it has none, or is unknown.

    """
    try:
        wordings = WORDINGS.validate_python(yaml.safe_load(read_prompt(path)))
    except yaml.YAMLError as error:
        raise UserError(f"{path}: not YAML ({' '.join(str(error).split())})") from error
    except ValidationError as error:
        fault = error.errors()[0]
        key = ".".join(map(str, fault["loc"])) or "the file"
        raise UserError(f"{path}: {key}: {fault['msg']}") from error
    for name in sorted(wordings.keys() ^ FAMILIES.keys()):
        what = "is missing" if name in FAMILIES else "is no family"
        raise UserError(f"{path}: {name} {what}; there are {', '.join(FAMILIES)}")
    for name, family in FAMILIES.items():
        wanted = {*family.fields, *family.optional}
        for field in sorted(wordings[name].fields.keys() ^ wanted):
            what = "is missing" if field in wanted else "is no field of the family"
            raise UserError(f"{path}: {name}.fields.{field} {what}")
    return wordings
