"""What the values of params.yaml may be."""

import unicodedata
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]
Whole = Annotated[int, Field(ge=0)]

LARGEST = 2**30 - 1
"""Of what Vespa keeps as integers of 32 bits, twice some of it."""

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
    """Refuses what XML cannot hold, or changes without a word as it does a carriage return."""
    for character in text:
        control = unicodedata.category(character) in {"Cc", "Cs"} and character not in "\t\n"
        if control or character in "\ufffe\uffff":
            raise ValueError(f"the character U+{ord(character):04X} cannot be passed on to Vespa")
    return text


XmlText = Annotated[str, AfterValidator(_survives_xml)]
"""Text that reaches Vespa in XML and has to arrive as it is."""
