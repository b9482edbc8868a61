"""The questions of the two phases, from prompts that are files."""

import math
from collections.abc import Iterable, Iterator
from pathlib import Path

import orjson

from stages.lib.core import seeds
from stages.lib.core.collection import Corpus
from stages.lib.core.text import first_words, one_line
from stages.lib.llm.answers import Question
from stages.lib.llm.prompts import Template, as_line, question
from stages.lib.llm_params import Llm
from stages.lib.synthetic.families import FAMILIES, Example
from stages.lib.synthetic.forms import Examples, Tasks
from stages.lib.synthetic.tasks import Task
from stages.lib.synthetic.traits import traits
from stages.lib.synthetic.wording import read_wordings
from stages.lib.synthetic_params import Brainstorm
from stages.lib.synthetic_params import Examples as ExamplesParams

PER_LIST = 20
"""Tasks that are asked for at once; of more, models repeat themselves."""

SHOWN = 8
"""Documents that show in a request what a collection is about..."""
WORDS = 60
"""...and how many words of each."""


def lists(params: Brainstorm) -> int:
    """How many lists of tasks a family is asked for."""
    return math.ceil(params.tasks / PER_LIST)


class Writer:
    """Makes requests from a folder's brainstorm.txt, examples.txt and families.yaml.

    Raises:
        UserError: a file is missing or faulty.

    """

    def __init__(self, folder: Path, params: Llm, seed: int) -> None:
        self._folder = folder
        self._params = params
        self._seed = seed
        self._wordings = read_wordings(folder / "families.yaml")

    def tasks(self, params: Brainstorm, corpus: Corpus) -> Iterator[Question[str]]:
        """A request for each list of each family; its subject is the family, and the list.

        Args:
            params: which families, how many tasks, and what they are about.
            corpus: documents of the collection that they are about; may be empty.

        """
        template = Template(self._folder / "brainstorm.txt")
        for name in params.families:
            wording = self._wordings[name]
            for number in range(1, lists(params) + 1):
                system = template.render(
                    kind=wording.kind,
                    samples=wording.samples,
                    domain=orjson.dumps(one_line(params.domain)).decode() if params.domain else "",
                    documents=bool(corpus),
                    number=number,
                    lists=lists(params),
                )
                subject = name if number == 1 else f"{name}, list {number}"
                wanted = min(PER_LIST, params.tasks - PER_LIST * (number - 1))
                shown = self._documents(corpus, subject)
                user = "\n".join([*shown, f"Think up {wanted} tasks of this kind, as JSON."])
                yield question(self._params, Tasks(), subject, system, user)

    def examples(
        self, tasks: Iterable[Task], params: ExamplesParams
    ) -> Iterator[Question[Example]]:
        """A request for each example of each task, which is its subject."""
        template = Template(self._folder / "examples.txt")
        forms = {name: Examples(family, params.max_characters) for name, family in FAMILIES.items()}
        for task in tasks:
            family, wording = FAMILIES[task.family], self._wordings[task.family]
            names = (*family.fields, *family.optional)
            shown = ", ".join(
                f'"{name}": {0 if name in family.numbers else chr(34) + "..." + chr(34)}'
                for name in names
            )
            for number in range(1, params.per_task + 1):
                drawn = traits(family, task.text, number, params, self._seed)
                system = template.render(
                    fields=[(name, wording.fields[name]) for name in names],
                    traits=[(name.replace("_", " "), value) for name, value in drawn.items()],
                    form=f"{{{shown}}}",
                )
                user = as_line({"task": task.text, "example": number})
                yield question(self._params, forms[task.family], task.text, system, user)

    def _documents(self, corpus: Corpus, subject: str) -> list[str]:
        """Lines that show a request's documents, drawn by hash: each request has others."""
        drawn = seeds.shuffled(self._seed, corpus, "brainstorm", subject)[:SHOWN]
        return [
            as_line({"title": one_line(each.title), "text": first_words(each.text, WORDS)})
            for each in (corpus[doc_id] for doc_id in drawn)
        ]
