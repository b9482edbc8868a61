"""The requests of each stage, from prompts that are files: Jinja templates.

A document enters a prompt as one line of JSON. So it can neither end its quotation nor forge a
line of its own: whatever it says, it is a string in the place where documents stand.
"""

import re
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random

import jinja2
import orjson
import yaml

from stages.lib.core import seeds
from stages.lib.core.collection import Corpus, Document, Split
from stages.lib.core.text import first_words, one_line
from stages.lib.errors import UserError
from stages.lib.llm.answers import HARD, Form, HardQueries, Judgements, P, Queries, Question, Rules
from stages.lib.llm.messages import Request
from stages.lib.llm_params import Generate, Llm
from stages.lib.llm_params import Rules as RulesParams

POOL = 64
"""Examples from which each prompt's few-shot examples are drawn."""

OPENING = 10
"""Words that stand for the title of a document without one."""

OLD_PLACEHOLDER = re.compile(r"\$\{?(rules|examples|types|attributes|with_queries)\b")
"""How older templates named values; Jinja would send it to the model as it is."""


JINJA = jinja2.Environment(
    undefined=jinja2.StrictUndefined,
    autoescape=False,  # noqa: S701 -- a prompt is no page
    keep_trailing_newline=True,
    trim_blocks=True,
    lstrip_blocks=True,
)


class Template:
    """A prompt's template; values are filled in unchanged, whatever characters they have.

    Raises:
        UserError: the file cannot be read, or has a fault, which is named with its line.

    """

    def __init__(self, path: Path) -> None:
        self._path = path
        source = read_prompt(path)
        old = OLD_PLACEHOLDER.search(source)
        if old:
            line = source.count("\n", 0, old.start()) + 1
            raise UserError(
                f"{path}:{line}: {old[0]} is not filled in; templates are Jinja's, in which "
                f"{old[1]} is a value: take the file that the project comes with and change that"
            )
        try:
            self._template = JINJA.from_string(source)
        except jinja2.TemplateSyntaxError as error:
            raise self._faulty(error.lineno, error) from error

    def render(self, **values: object) -> str:
        """The prompt with these values.

        Raises:
            UserError: an expression of the template fails.

        """
        try:
            return self._template.render(values)
        except Exception as error:  # a template's expression may raise anything
            frames = traceback.extract_tb(error.__traceback__)
            lines = [frame.lineno for frame in frames if frame.filename == "<template>"]
            raise self._faulty(lines[-1] if lines else None, error) from error

    def _faulty(self, line: int | None, error: Exception) -> UserError:
        reason = " ".join(str(error).split()) or type(error).__name__
        return UserError(f"{self._path}:{line or 1}: {reason}; mend the template")


class Prompts:
    """Makes requests from a folder of prompts.

    Its files: rules.txt, generate.txt, answers.txt, hard.txt, judge.txt, types.yaml.
    """

    def __init__(self, folder: Path, params: Llm, seed: int) -> None:
        self._folder = folder
        self._params = params
        self._seed = seed
        self._templates: dict[str, Template] = {}

    def rules(self, corpus: Corpus, train: Split, params: RulesParams) -> list[Question[str]]:
        """A request a draw, about documents and train queries that no other draw shows.

        Documents and queries are drawn by hash. Where there are too few for all draws, each shows
        as many fewer; where there are fewer than draws, there are fewer requests.
        """
        doc_ids = _draws(self._seed, corpus, params.documents, params.draws)
        asked = _draws(self._seed, train.queries, params.queries, params.draws)
        questions = []
        for number in range(max(1, len(doc_ids))):
            lines = [self._document(corpus[doc_id]) for doc_id in _at(doc_ids, number)]
            queries = _at(asked, number)
            lines += [as_line({"query": train.queries[query_id]}) for query_id in queries]
            system = self._template("rules").render(with_queries=bool(queries))
            subject = "collection" if not number else f"collection, draw {number + 1}"
            questions.append(self._question(Rules(), subject, system, "\n".join(lines)))
        return questions

    def queries(
        self,
        documents: Iterable[Document],
        rules: Sequence[str],
        examples: Sequence[tuple[str, Document]],
        params: Generate,
    ) -> Iterator[Question[str]]:
        """A request a document, with examples and attributes drawn for it by hash.

        Args:
            documents: what to write queries for.
            rules: how the queries look.
            examples: queries with documents that answer them, from the train split alone.
            params: types, attributes and number of examples.

        """
        form = Queries(params.types, params.max_characters)
        meanings = self._types()
        template = self._template("generate")
        lines = [orjson.dumps(one_line(rule)).decode() for rule in rules]
        types = [(name, meanings.get(name, name)) for name in params.types]
        pool = [(doc.doc_id, _example(query, doc)) for query, doc in examples]
        attributes = [(name, weights) for name, weights in params.attributes if weights]
        for document in documents:
            doc_id = document.doc_id
            system = template.render(
                rules=lines,
                types=types,
                examples=_few_shot(self._seed, doc_id, pool, params.few_shot),
                attributes=[
                    (name, weighted(self._seed, weights, "attribute", name, doc_id))
                    for name, weights in attributes
                ],
            )
            yield self._question(form, doc_id, system, self._document(document))

    def hard(
        self, pairs: Iterable[tuple[Document, Document]], rules: Sequence[str], max_characters: int
    ) -> Iterator[Question[str]]:
        """A request a pair, for hard queries that the first document answers.

        Args:
            pairs: documents, each with the neighbour that search confuses it with.
            rules: how the collection's queries look.
            max_characters: longer queries are unusable.

        """
        form = HardQueries(max_characters)
        system = self._template("hard").render(
            rules=[one_line(rule) for rule in rules], kinds=list(HARD.items())
        )
        for wanted, neighbour in pairs:
            lines = [self._document(wanted, {"role": "wanted"})]
            lines += [self._document(neighbour, {"role": "neighbour"})]
            yield self._question(form, wanted.doc_id, system, "\n".join(lines))

    def about(
        self, document: Document, lines: Iterable[Mapping[str, str]], form: Form[P], prompt: str
    ) -> Question[P]:
        """A request of a prompt's words about a document, and what follows it as lines of JSON."""
        user = "\n".join([self._document(document), *map(as_line, lines)])
        return self._question(form, document.doc_id, self._template(prompt).render(), user)

    def judgements(self, query_id: str, query: str, documents: Sequence[Document]) -> Question[int]:
        """A request for the grades of several documents."""
        lines = [as_line({"query": query})]
        lines += [self._document(document, {"doc_id": document.doc_id}) for document in documents]
        form = Judgements(document.doc_id for document in documents)
        system = self._template("judge").render()
        return self._question(form, query_id, system, "\n".join(lines))

    def _question(self, form: Form[P], subject: str, system: str, user: str) -> Question[P]:
        return question(self._params, form, subject, system, user)

    def _document(self, document: Document, ids: Mapping[str, str] | None = None) -> str:
        text = first_words(document.text, self._params.document_words)
        return as_line({**(ids or {}), "title": one_line(document.title), "text": text})

    def _template(self, name: str) -> Template:
        if name not in self._templates:
            self._templates[name] = Template(self._folder / f"{name}.txt")
        return self._templates[name]

    def _types(self) -> dict[str, str]:
        path = self._folder / "types.yaml"
        try:
            meanings = yaml.safe_load(read_prompt(path))
        except yaml.YAMLError as error:
            raise UserError(f"{path}: not YAML ({' '.join(str(error).split())})") from error
        if not isinstance(meanings, dict):
            raise UserError(f"{path}: expected lines of the form name: meaning")
        return meanings


def question(params: Llm, form: Form[P], subject: str, system: str, user: str) -> Question[P]:
    """A question to the model that the parameters name."""
    request = Request(
        schema=form.name,
        subject=subject,
        system=system,
        user=user,
        json_schema=form.json_schema,
        model=params.model,
        temperature=params.temperature,
        max_tokens=params.max_tokens,
    )
    return Question(request, form)


def examples(corpus: Corpus, train: Split, seed: int) -> list[tuple[str, Document]]:
    """Train queries with their most relevant documents, the pool of few-shot examples."""
    pool: list[tuple[str, Document]] = []
    for query_id in seeds.shuffled(seed, train.qrels, "examples"):
        grades = train.qrels[query_id]
        relevance, doc_id = max((grade, doc_id) for doc_id, grade in grades.items())
        if relevance > 0 and doc_id in corpus and query_id in train.queries:
            pool.append((train.queries[query_id], corpus[doc_id]))
        if len(pool) == POOL:
            break
    return pool


def _draws(seed: int, ids: Iterable[str], size: int, number: int) -> list[list[str]]:
    """Ids in up to `number` draws of `size` that share none."""
    order = seeds.shuffled(seed, ids, "rules")
    size = min(size, max(1, len(order) // number))
    draws = [order[start : start + size] for start in range(0, number * size, size)] if size else []
    return [draw for draw in draws if draw]


def _at(draws: Sequence[Sequence[str]], number: int) -> Sequence[str]:
    return draws[number] if number < len(draws) else []


def _example(query: str, document: Document) -> str:
    # the title alone: it shows how queries relate to documents, and a second text beside the
    # document would cost as much again and tempt the model to write about that one
    title = one_line(document.title) or " ".join(document.text.split()[:OPENING])
    return as_line({"title": title, "query": query})


def _few_shot(
    seed: int, doc_id: str, pool: Sequence[tuple[str, str]], number: int
) -> Sequence[str]:
    """Examples for a document, drawn by its own hash among those of other documents."""
    others = [text for source, text in pool if source != doc_id]
    if not others:
        return []
    chance = Random(seeds.digest(seed, "few_shot", doc_id))
    return chance.sample(others, min(number, len(others)))


def weighted(seed: int, weights: Mapping[str, float], *ids: str) -> str:
    """A value, of one at least, drawn by weight from the hash of what it is about."""
    mark = seeds.share(seed, *ids) * sum(weights.values())
    for value in weights:
        mark -= weights[value]
        if mark < 0:
            break
    return value


def as_line(value: Mapping[str, object]) -> str:
    """An object as one line of JSON, as what is shown to a model stands in a prompt."""
    return orjson.dumps(value).decode()


def read_prompt(path: Path) -> str:
    """The text of a prompt's file."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read ({error})") from error
