"""What agents may answer. A server sees the schema's name and shape; whatever does not fit is malformed output."""

from typing import Annotated, Literal

from pydantic import Field

from core.asking import Reply, Text

AnswerKind = Literal["choice", "yes_no", "number", "text"]
StepName = Literal["crop", "rotate", "resize", "grayscale", "contrast", "brightness"]
Number = Annotated[float, Field(allow_inf_nan=False)]


class Plan(Reply):
    """What to ask; the queries and the edit goal are for pictures that must be searched or edited."""

    question_type: AnswerKind
    plan: Text
    queries: list[Text] = Field(min_length=2, max_length=2)
    edit_goal: Text


class Search(Reply):
    """At most two searches for pictures, in words; the type of picture is the slot's."""

    queries: list[Text] = Field(min_length=1, max_length=2)


class CandidateScore(Reply):
    """How well one candidate serves, 1 to 10, and whether it can be used as it is."""

    candidate: int
    score: Number = Field(ge=1, le=10)
    usable: bool
    reason: Text


class Selection(Reply):
    """A score for each candidate."""

    scores: list[CandidateScore] = Field(max_length=10)


class Operation(Reply):
    """One step of an edit that needs no model; ``box`` is empty unless it is a crop."""

    name: StepName
    amount: Number
    box: list[Number] = Field(max_length=4)


class Pick(Reply):
    """A candidate worth an edit, and the edit twice: in words, and as steps."""

    candidate: int
    instruction: Text
    operations: list[Operation] = Field(max_length=3)


class Analysis(Reply):
    """What the candidates show, and the one or two that an edit would make usable; none where no edit helps."""

    descriptions: list[Text] = Field(max_length=6)
    picks: list[Pick] = Field(max_length=2)


class Option(Reply):
    """One option of a multiple-choice question."""

    letter: Text
    text: Text


class WrittenQuestion(Reply):
    """A question with its answer; ``options`` is empty unless it is multiple choice."""

    question: Text
    options: list[Option] = Field(max_length=10)
    answer: Text
    answer_type: AnswerKind


class Validation(Reply):
    """Whether a question may be used, and why not."""

    valid: bool
    reason: Text


class Solve(Reply):
    """A solver's answer; empty when the picture does not show what is asked for."""

    answer: Text
