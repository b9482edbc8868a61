"""Gates: what a stage found out that must keep a model from being deployed."""

from pathlib import Path

from stages.lib.errors import UserError
from stages.lib.files import read_json


def check_gates(folder: Path) -> None:
    """Refuses if any stage's metrics have a `gate` that is not open.

    A gate is an object with `open`, true or false, and `reason`, which says why in numbers.
    """
    for path in sorted(folder.glob("*.json")):
        gate = read_json(path).get("gate")
        if gate is not None and not gate["open"]:
            raise UserError(
                f"{path}: the gate is closed: {gate['reason']}; train a better model, or set "
                "FORCE=1 to deploy all the same"
            )
