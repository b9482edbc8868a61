"""Examples of tasks for people to review."""

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path

from stages.lib.core import seeds
from stages.lib.errors import UserError
from stages.lib.page.decisions import Book
from stages.lib.synthetic.reviews import MEANINGS
from stages.lib.synthetic.rows import Row


class ExampleDesk:
    """Where one person reviews the examples that a language model wrote.

    Args:
        folder: of all people's decisions about examples.
        who: the person.
        by_family: the examples; may be empty.
        seed: of their order, in which each family comes as often as any other.

    """

    def __init__(
        self, folder: Path, who: str, by_family: Mapping[str, Sequence[Row]], seed: int
    ) -> None:
        self.book = Book(folder, who)
        by_id = {row["id"]: row for some in by_family.values() for row in some}
        families = [
            seeds.shuffled(seed, [row["id"] for row in some], "review")
            for _, some in sorted(by_family.items())
        ]
        names = [name for each in zip_longest(*families) for name in each if name is not None]
        self.rows = {name: by_id[name] for name in names}

    @property
    def reviewed(self) -> int:
        """How many of the examples have a decision."""
        return len(self.rows.keys() & self.book.decisions.keys())

    def next(self) -> Row | None:
        """The next example without a decision; None where all have one."""
        left = (row for name, row in self.rows.items() if name not in self.book.decisions)
        return next(left, None)

    def decide(self, example_id: str, decision: str, text: str = "") -> None:
        """Writes a decision; `text` is the query in better words, for an edit.

        Raises:
            UserError: there is no such example or decision.

        """
        if example_id not in self.rows:
            raise UserError("no such example; reload the page")
        if decision not in MEANINGS:
            raise UserError(f"decision: expected {', '.join(MEANINGS)}, got {decision[:40]!r}")
        row = {"query_id": example_id, "decision": decision}
        self.book.write(row | ({"text": text} if decision == "edit" else {}))

    def undo(self) -> None:
        """Takes this person's last decision back."""
        self.book.undo()
