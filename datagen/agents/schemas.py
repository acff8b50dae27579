"""What agents may answer. A server sees the schema's name and shape; whatever does not fit is malformed output."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from core.provider import clean_text

MAX_TEXT = 4000
Text = Annotated[str, AfterValidator(lambda text: clean_text(text).strip()), Field(max_length=MAX_TEXT)]
AnswerKind = Literal["choice", "yes_no", "number", "text"]


class Reply(BaseModel):
    """An agent's answer: what it adds to the fields is passed over, though the schema asks for none."""

    model_config = ConfigDict(frozen=True, extra="ignore", json_schema_extra={"additionalProperties": False})


class Plan(Reply):
    """What to ask; the queries and the edit goal are for pictures that must be searched or edited."""

    question_type: AnswerKind
    plan: Text
    queries: list[Text] = Field(min_length=2, max_length=2)
    edit_goal: Text


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
