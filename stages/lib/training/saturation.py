"""How much more queries would help: the same training on parts of the documents' queries."""

from collections.abc import Sequence
from dataclasses import replace

from stages.lib.core import seeds
from stages.lib.core.examples import Example, Mined

SHARES = (0.25, 0.5, 1.0)
"""Each twice the one before: gains that shrink by halves have an end in sight."""


def part(mined: Mined, share: float, seed: int) -> Mined:
    """What mining would have left had queries been written for a share of the documents.

    The larger part holds the smaller. Key phrases and titles, which cost nothing, stay.

    Args:
        mined: what mining left of all queries.
        share: of the documents that queries were written for.
        seed: of the draw.

    """

    def drawn(examples: Sequence[Example]) -> list[Example]:
        return [one for one in examples if seeds.share(seed, "saturation", _source(one)) < share]

    return replace(mined, train=drawn(mined.train))


def _source(example: Example) -> str:
    return example.document or example.positives[0]
