"""Trains one model on examples of tasks and on rows that were brought in (off by default)."""

from pathlib import Path

from stages.cli import PARAMS, PROCESSES, path_option, stage
from stages.lib.core.collection import read_corpus, read_split
from stages.lib.core.files import building, leave_unused, write_json
from stages.lib.errors import UserError
from stages.lib.params import read_params
from stages.lib.tasks.task import read_families, read_task


@stage
@path_option("--base", help="The base model.")
@path_option("--examples", help="Folder of examples, a file a family; may be empty.")
@path_option("--rows", help="Folder of rows, a folder a task.")
@path_option("--kinds", help="Folder of the kinds of tasks.")
@path_option("--mined", help="Folder with the collection's training rows; else without them.")
@path_option("--corpus", help="corpus.jsonl of the collection.")
@path_option("--dev", help="The collection's dev split; may be empty.")
@path_option("--out", help="Folder for the model.")
@path_option("--metrics", help="JSON file for what each task gained.")
@PROCESSES
@PARAMS
def main(
    base: Path,
    examples: Path,
    rows: Path,
    kinds: Path,
    mined: Path,
    corpus: Path,
    dev: Path,
    out: Path,
    metrics: Path,
    processes: int | None,
    params: Path,
) -> str | None:
    """Train a model on all tasks, and measure it on what was held out of each."""
    settings = read_params(params)
    named = [read_task(rows / entry.name, entry, kinds) for entry in settings.tasks.rows]
    tasks = [*read_families(examples, kinds), *named]
    if (mined / "train.jsonl").is_file():
        from stages.lib.tasks.collection import collection_task

        documents, judged = read_corpus(corpus), read_split(dev)
        tasks.append(collection_task(mined, documents, judged, kinds, settings.encoder))
    if not tasks:
        leave_unused(out, "there are no examples, and tasks.rows and tasks.collection name no rows")
        write_json(metrics, {})
        return "tasks: nothing to train on"
    # imported here, for a stage that is off would do little else
    from stages.lib.encoding.encoder import load_encoder
    from stages.lib.encoding.portable import declare
    from stages.lib.tasks.comparison import compared
    from stages.lib.tasks.groups import check_taught, groups
    from stages.lib.tasks.held_out import split
    from stages.lib.tasks.measures import measure
    from stages.lib.tasks.prompts import write_prompts
    from stages.lib.tasks.training import train
    from stages.lib.training.processes import is_first, launch

    launch("stages.tasks", processes, settings.tasks.batch_size, "tasks.batch_size")
    parts = []
    for position, task in enumerate(tasks):
        check_taught(task)
        learnt, held_out = split(task, settings.tasks.held_out, settings.seed)
        found = groups(task, learnt, position, settings.tasks.documents, settings.seed)
        parts.append((task, found, held_out))
    together = [group for _, found, _ in parts for group in found]
    if not together:
        raise UserError(
            "params.yaml: tasks: no row is left to train on; lower held_out, or the least_score "
            "and margin of the tasks"
        )
    model = load_encoder(base, settings.encoder)
    before = [measure(model, task, rows) for task, _, rows in parts] if is_first() else []
    train(model, together, [task.settings for task in tasks], settings)
    if not is_first():
        return None
    lines = {}
    for (task, found, held_out), of_base in zip(parts, before, strict=True):
        of_trained = measure(model, task, held_out)
        lines[task.name] = {
            "rows": len(task.rows),
            "trained": len(found),
            "held_out": len(held_out),
            "figures": compared(of_base, of_trained, settings.evaluate.resamples, settings.seed),
        }
    with building(out) as folder:
        model.save(str(folder), create_model_card=False)
        declare(folder, settings.encoder, settings.encoder)
        write_prompts(folder, tasks)
    write_json(metrics, {"tasks": lines})
    return f"tasks: {len(tasks)} tasks, {len(together):,} rows"


if __name__ == "__main__":
    main()
