"""The teachers, and which of them teaches."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stages.lib.core.collection import Split
from stages.lib.core.examples import BASE
from stages.lib.params import Mine
from stages.lib.search.weights import beats, by_query
from stages.lib.teaching.cross_encoder import Reranker
from stages.lib.teaching.fusion import fusion
from stages.lib.teaching.language_model import Reader
from stages.lib.teaching.teacher import Material, Ranker, Teacher


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of teacher.

    Args:
        name: in metrics and reports.
        wanted: whether the parameters ask for it.
        build: makes it, from the material and the teacher before it, whose ranking it may refine.

    """

    name: str
    wanted: Callable[[Mine], object]
    build: Callable[[str, Material, Teacher], Teacher]


def base(material: Material) -> Teacher:
    """The student's own ranking: if it teaches, nobody does."""
    return Ranker(BASE, material.dense, material.params.depth)


TEACHERS: Sequence[Kind] = (
    Kind(
        "fusion",
        lambda _: True,
        lambda name, material, _: Ranker(name, fusion(material), material.params.depth),
    ),
    Kind(
        "cross-encoder",
        lambda params: params.cross_encoder,
        lambda name, material, before: Reranker(
            name, material.cross_encoder, material.corpus, before, material.params
        ),
    ),
    Kind(
        "language-model",
        lambda params: params.language_model,
        lambda name, material, before: Reader(
            name,
            material.corpus,
            before,
            material.answered,
            material.params.language_model_depth,
        ),
    ),
)
"""From cheap to dear. A new teacher is a module and a row here."""


def build_teachers(material: Material) -> list[Teacher]:
    """The base, then the teachers that the parameters ask for, from cheap to dear."""
    teachers = [base(material)]
    for kind in TEACHERS:
        if kind.wanted(material.params):
            teachers.append(kind.build(kind.name, material, teachers[-1]))
    return teachers


@dataclass(frozen=True, slots=True)
class Choice:
    """The teacher that teaches, and the dev nDCG@10 that spoke for it, by teacher."""

    teacher: Teacher
    by_teacher: dict[str, float]


def choose_teacher(teachers: Sequence[Teacher], dev: Split) -> Choice:
    """The teacher to learn from, judged on the dev queries.

    The second, the fusion, teaches unless the base beats it by one standard error. A draw speaks
    for the fusion: a dev query has one known answer, and what the teacher knows of others does not
    show there. Each later one costs more, and has to beat what would teach without it.

    Args:
        teachers: the base, the fusion, and dearer ones; each has a name of its own.
        dev: queries with their known answers; may be empty.

    """
    values = {teacher.name: by_query(teacher.rank(dev.queries), dev) for teacher in teachers}
    base, fusion, *dearer = teachers
    best = base if beats(values[base.name], values[fusion.name]) else fusion
    for teacher in dearer:
        if beats(values[teacher.name], values[best.name]):
            best = teacher
    means = {name: round(float(value.mean()), 6) for name, value in values.items()} if dev else {}
    return Choice(best, means)
