"""What a model that was trained on tasks says of them: a prompt for each task's two sides."""

from collections.abc import Sequence
from pathlib import Path

from stages.lib.core.files import read_json, write_json
from stages.lib.encoding.declared import CONFIG
from stages.lib.tasks.task import Task


def write_prompts(folder: Path, tasks: Sequence[Task]) -> None:
    """Adds prompts to a model's folder: `NAME_query` and `NAME_document` of each task.

    In those of families `{task}` stands for the task's definition, which who encodes puts there.
    """
    config = read_json(folder / CONFIG)
    for task in tasks:
        config["prompts"][f"{task.name}_query"] = task.settings.instruction_query
        config["prompts"][f"{task.name}_document"] = task.settings.instruction_document
    write_json(folder / CONFIG, config)
