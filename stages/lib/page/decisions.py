"""What people decided, as the page writes it down: one person's file beside those of others."""

import threading
from collections.abc import Mapping
from pathlib import Path

from stages.lib.errors import UserError
from stages.lib.page.log import Log, drop_torn_line
from stages.lib.people.reviews import as_decision, read_decisions


class Book:
    """The decisions of all people in a folder, to which one person adds.

    Args:
        folder: of a file a person.
        who: the person.

    """

    def __init__(self, folder: Path, who: str) -> None:
        self._log = Log(folder / f"{who}.jsonl", who)
        self._lock = threading.Lock()
        self._last: list[str] = []
        drop_torn_line(folder / f"{who}.jsonl")
        self.decisions = read_decisions(folder)

    def write(self, row: Mapping[str, str]) -> None:
        """Writes a decision, which counts from then on.

        Raises:
            UserError: it is of another form.

        """
        try:
            given = as_decision(row)
        except ValueError as error:
            raise UserError(str(error)) from error
        with self._lock:
            written = as_decision(self._log.append(row))
            if given.decision == "undone":
                self.decisions.pop(given.query_id, None)
            else:
                self.decisions[given.query_id] = written
                self._last.append(given.query_id)

    def undo(self) -> None:
        """Takes this person's last decision back."""
        mine = [d for d in self.decisions.values() if d.who == self._log.who]
        last = max(mine, key=lambda d: d.when, default=None)
        query_id = self._last.pop() if self._last else last.query_id if last else ""
        if query_id in self.decisions:
            self.write({"query_id": query_id, "decision": "undone"})
