"""Rules on how a collection's queries look: what of several draws' answers is kept.

Rules reach every prompt, and so would an order that stands in one of the documents they are written
from. Therefore they are asked for several times, each time from other documents, and a rule is kept
where another draw has one like it. What reads like an order to a model is refused beforehand.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stages.lib.core.files import read_json
from stages.lib.core.text import one_line, words
from stages.lib.errors import UserError

LIKE = 0.15
"""Cosine of two rules' words, weighted by tf-idf, from which they are taken to say the like."""

DEFAULT = [
    "People who ask have not seen the documents and use everyday words beside the field's own.",
    "Keyword queries have 2 to 5 words as typed into a search box, without punctuation.",
    "Questions and statements are one sentence of 6 to 22 words.",
    "A query is about one matter, in the circumstance that tells the right document from others.",
]
"""What holds for most collections."""

ORDERS = {
    "an address": r"https?:|www\.|\S@\S|\b[\w-]+\.(com|org|info|biz|io|co|ru|xyz|top|shop|site"
    r"|online|example)\b",
    "an order to the model": r"\b(ignor(e|iere\w*|ez|a)|disregard|forget|override|bypass)\b"
    r"|\b(system|developer)\W+(prompt|message|instruction)|\byou (are|have been|were|must|will)\b"
    r"|\byour (instruction|task|answer|output|reply|role|response)"
    r"|\b(as|being) an? (ai|assistant|language model)\b"
    r"|\b(always|only|never|must|instead)\W+(answer|reply|respond|output|return|print|say|repeat)\b"
    r"|^\W*(answer|reply|respond|output|return|print|repeat|say|insert|append|include)\b"
    r"|^\W*(system|user|assistant|developer)\W*:",
    "a text to be repeated": r"\b(must|should|always|exactly|every|each|all)\b.{0,60}?"
    r"(\b(phrase|slogan|sentence|string|words?|text)\W*[:\"'“”„«]|[\"“„«]|\bexactly\W*:)"
    r"|\b(always|every|each|all)\b.{0,50}\b(include|mention|contain|name|promote|recommend|advertise"
    r"|end|begin|start)s?\W+(with\W+)?(the (exact |same )?(word|phrase|text|slogan|string|brand)"
    r"|(?-i:[A-Z]))",
    "markup": r"```|<[/|!a-z]|\{\s*[\"'{%]",
}
"""What a sentence on how queries look never holds, by what is said of it."""
PATTERNS = {why: re.compile(pattern, re.IGNORECASE) for why, pattern in ORDERS.items()}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A rule that is not used, and why."""

    rule: str
    why: str


def draws(answers: Mapping[str, Mapping[str, str]]) -> list[list[str]]:
    """The rules of each answer in their order, by the answers' subjects, whichever came first."""
    return [[answers[draw][place] for place in sorted(answers[draw])] for draw in sorted(answers)]


def settle(written: Sequence[Sequence[str]]) -> tuple[list[str], list[Refusal]]:
    """The rules to use, of the draw that the others bear out most, and those that are refused.

    Args:
        written: the rules of each draw of documents.

    """
    refused: list[Refusal] = []
    sound = [list(_sound(rules, refused)) for rules in written]
    sound = [rules for rules in sound if rules]
    if len(sound) < 2:
        return (sound[0] if sound else []), refused
    likeness = _likeness(sound)
    best = max(range(len(sound)), key=lambda draw: sum(likeness[draw]) / len(likeness[draw]))
    kept = []
    for rule, like in zip(sound[best], likeness[best], strict=True):
        if like >= LIKE:
            kept.append(rule)
        else:
            refused.append(Refusal(rule, "no other draw has one like it"))
    return kept, refused


def order(rule: str) -> str | None:
    """Why a rule reads like an order to a model, or like a text to be spread; None if not."""
    return next((why for why, pattern in PATTERNS.items() if pattern.search(rule)), None)


def _sound(rules: Sequence[str], refused: list[Refusal]) -> list[str]:
    """The rules of a draw without orders, each once."""
    sound: dict[tuple[str, ...], str] = {}
    for rule in map(one_line, rules):
        said = tuple(words(rule))
        why = order(rule) or ("no words" if not said else None)
        if why is None and said in sound:
            why = "the same as another"
        if why is None:
            sound[said] = rule
        else:
            refused.append(Refusal(rule, why))
    return list(sound.values())


def _likeness(draws: Sequence[Sequence[str]]) -> list[list[float]]:
    """How much each rule of each draw is like the one of another draw that is most like it."""
    # what else reads rules starts in a quarter of the time without it
    from sklearn.feature_extraction.text import TfidfVectorizer

    place = [draw for draw, rules in enumerate(draws) for _ in rules]
    vectors = TfidfVectorizer(tokenizer=words, token_pattern=None, sublinear_tf=True).fit_transform(
        [rule for rules in draws for rule in rules]
    )
    cosines = (vectors @ vectors.T).toarray()
    found: list[list[float]] = [[] for _ in draws]
    for draw, row in zip(place, cosines, strict=True):
        others = [value for value, other in zip(row, place, strict=True) if other != draw]
        found[draw].append(float(max(others)))
    return found


def read_rules(path: Path) -> list[str]:
    """The rules of a JSON file {"rules": [...]}."""
    value = read_json(path)
    rules = value.get("rules") if isinstance(value, dict) else None
    if not isinstance(rules, list) or not all(isinstance(rule, str) for rule in rules):
        raise UserError(f'{path}: expected {{"rules": [...]}} with texts; run dvc repro rules')
    return rules
