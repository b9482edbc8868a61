"""Text of params.yaml that reaches Vespa in XML and has to arrive as it is."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator


def _survives_xml(text: str) -> str:
    """Refuses what XML cannot hold, or changes without a word as it does a carriage return."""
    for character in text:
        control = unicodedata.category(character) in {"Cc", "Cs"} and character not in "\t\n"
        if control or character in "\ufffe\uffff":
            raise ValueError(f"the character U+{ord(character):04X} cannot be passed on to Vespa")
    return text


XmlText = Annotated[str, AfterValidator(_survives_xml)]
