"""Which item a prediction answers: by lmms-eval's document hash, else by index; what does not join is counted."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypedDict

from core.domain.answers import AnswerType, same_answer
from diagnostics.formats.predictions import Prediction
from diagnostics.models import Benchmark, Item
from diagnostics.problems import KEPT, ProblemLine

Fault = tuple[str, str]


class JoinReport(TypedDict):
    """What became of a file of predictions; ``other_split`` are good ones that this run does not ask."""

    rows: int
    joined: int
    answers_an_item: int
    extra_answers: int
    other_split: int
    items_without: int
    num_problems: int
    kinds: dict[str, int]
    problems: list[ProblemLine]


@dataclass(frozen=True)
class Target:
    """An item as the join needs it."""

    pk: int
    split: str
    doc_hash: str
    answer: str
    answer_type: str
    options: dict[str, str]


@dataclass
class Join:
    """Rows of the file by item; ``rows`` maps a row's number to the item that it answers."""

    split: str
    by_index: dict[str, Target]
    by_hash: dict[str, Target]
    rows: dict[int, int] = field(default_factory=dict)
    num_texts: dict[int, int] = field(default_factory=dict)
    num_rows: int = 0
    other_split: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    problems: list[ProblemLine] = field(default_factory=list)

    def add(self, prediction: Prediction) -> None:
        """Find the row's item, or note why there is none."""
        self.num_rows += 1
        target = self.by_hash.get(prediction.doc_hash) or self.by_index.get(prediction.index)
        fault = prediction.fault or self.fault_of(prediction, target)
        if fault or target is None:
            self.note(prediction.row, *(fault or ("no_such_index", "")))
        elif target.split != self.split:
            self.other_split += 1
        else:
            self.rows[prediction.row] = target.pk
            self.num_texts[target.pk] = len(prediction.texts)

    def fault_of(self, prediction: Prediction, target: Target | None) -> Fault | None:
        """Why a readable row joins nothing; None when it joins."""
        if target is None:
            return "no_such_index", f"index: the benchmark has no item {prediction.index[:60]!r}."
        if prediction.doc_hash and target.doc_hash and prediction.doc_hash != target.doc_hash:
            return "other_document", "doc_hash: another document than the benchmark's item of this index."
        if prediction.gold and not is_same_gold(prediction.gold, target):
            return "other_gold", f"answer: {prediction.gold[:40]!r} is not the gold answer of the benchmark's item."
        if target.pk in self.num_texts:
            return "twice", f"index: {prediction.index[:60]} comes twice."
        return None

    def note(self, row: int, kind: str, message: str) -> None:
        """Count a row that does not join, and list the first ones."""
        self.kinds[kind] += 1
        if len(self.problems) < KEPT:
            self.problems.append({"row": row, "kind": kind, "message": message})

    @property
    def num_answers(self) -> int:
        """As many answers an item as every joined item has."""
        return min(self.num_texts.values(), default=0)

    def report(self) -> JoinReport:
        """The counts, frozen with the run."""
        in_split = sum(target.split == self.split for target in self.by_index.values())
        return {
            "rows": self.num_rows,
            "joined": len(self.rows),
            "answers_an_item": self.num_answers,
            "extra_answers": sum(self.num_texts.values()) - self.num_answers * len(self.rows),
            "other_split": self.other_split,
            "items_without": in_split - len(self.rows),
            "num_problems": self.kinds.total(),
            "kinds": dict(self.kinds.most_common()),
            "problems": self.problems,
        }


def is_same_gold(said: str, target: Target) -> bool:
    """Whether the file's gold answer is the item's, as written or as the grader reads it."""
    gold = target.answer
    if said.casefold() == gold.casefold() or said.startswith("["):
        return True
    return same_answer(said, gold, AnswerType(target.answer_type), target.options or None)


def join_predictions(benchmark: Benchmark, split: str, predictions: Iterable[Prediction]) -> Join:
    """Every prediction with its item of ``split``, or with what hindered it."""
    names = ("pk", "split", "doc_hash", "answer", "answer_type", "options")
    rows = Item.objects.filter(benchmark=benchmark).values_list("index", *names)
    by_index = {index: Target(*values) for index, *values in rows.iterator(chunk_size=2000)}
    by_hash = {target.doc_hash: target for target in by_index.values() if target.doc_hash}
    join = Join(split, by_index, by_hash)
    for prediction in predictions:
        join.add(prediction)
    return join
