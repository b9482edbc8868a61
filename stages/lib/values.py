"""What sections and values of params.yaml may be, and how it is read."""

import unicodedata
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from stages.lib.errors import UserError


class Section(BaseModel):
    """A section of params.yaml: unknown keys are refused, numbers written as text are read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]
Whole = Annotated[int, Field(ge=0)]

LARGEST = 2**30 - 1
"""Vespa keeps integers of 32 bits, and computes with twice some of them."""

Language = Literal[
    "arabic",
    "catalan",
    "danish",
    "dutch",
    "english",
    "finnish",
    "french",
    "german",
    "greek",
    "hungarian",
    "indonesian",
    "irish",
    "italian",
    "norwegian",
    "portuguese",
    "romanian",
    "russian",
    "spanish",
    "swedish",
    "turkish",
    "none",
]


def _survives_xml(text: str) -> str:
    """Refuses characters that XML cannot hold, or changes silently, such as a carriage return."""
    for character in text:
        control = unicodedata.category(character) in {"Cc", "Cs"} and character not in "\t\n"
        if control or character in "\ufffe\uffff":
            raise ValueError(f"the character U+{ord(character):04X} cannot be passed on to Vespa")
    return text


XmlText = Annotated[str, AfterValidator(_survives_xml)]
"""Text that reaches Vespa in XML, and has to arrive unchanged."""

DEEPEST = 50
"""Lists and mappings of YAML that lie in each other."""


def read_yaml(path: Path) -> Any:
    """What a file of YAML says, by libyaml: Python takes fifty times as long."""
    try:
        return _loaded(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file; run from the project's folder") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (yaml.YAMLError, ValueError) as error:
        # impossible dates, numbers of thousands of digits
        raise UserError(f"{path}: not YAML ({' '.join(str(error).split())})") from error


def _loaded(text: str) -> Any:
    depth = 0
    for event in yaml.parse(text, yaml.CSafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:  # building them would overflow libyaml's stack
            raise ValueError(f"more than {DEEPEST} lists or mappings in each other")
    return yaml.load(text, yaml.CSafeLoader)
