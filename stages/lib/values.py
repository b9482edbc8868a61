"""What sections and values of params.yaml may be."""

import unicodedata
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


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
