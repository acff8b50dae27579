"""Whether the reward means what it should: the gold answer earns all of it, a wrong one nothing."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from core.check_specs import CheckLine
from core.domain.rewards import COMPOSED, Marks, reward_parts
from core.specs import GrpoSettings
from gpu.checks.lines import line, some
from gpu.dataset import TrainingRows
from gpu.grader import Grader, Question, Verdict
from gpu.rewards import recipe_of

WRONG = "I would rather not say."
CLOSE = 1e-9


def reward_lines(
    rows: TrainingRows, settings: GrpoSettings, grader: Grader, beat: Callable[[], None]
) -> Iterator[CheckLine]:
    """Every sample's gold answer in the format that the prompt asks for, and words that answer nothing."""
    facts = [rows.facts(number) for number in range(len(rows))]
    names, most = [one["sample_id"] for one in facts], settings.accuracy_weight + settings.format_weight
    right = graded([asked(one, f"\\boxed{{{one['solution']}}}") for one in facts], settings, grader, beat)
    poor = [name for name, reward in zip(names, right, strict=True) if reward is None or abs(reward - most) > CLOSE]
    yield line(
        "gold answers",
        f"The gold answer of {len(poor)} samples does not earn the maximum of {most:g}: {some(poor)}."
        if poor
        else f"Every gold answer earns the maximum of {most:g}.",
        fails=bool(poor),
        change="The model could never be right there: correct the gold answer or its type, or take the samples out.",
    )
    wrong = graded([asked(one, WRONG) for one in facts], settings, grader, beat)
    paid = [name for name, reward in zip(names, wrong, strict=True) if reward]
    yield line(
        "wrong answers",
        f"{len(paid)} samples pay for {WRONG!r}: {some(paid)}." if paid else "An answer that says nothing earns 0.",
        fails=bool(paid),
        change="A model would learn to say nothing there: correct the gold answer or its type.",
    )


def asked(facts: dict[str, str], text: str) -> Question:
    """One answer to one sample."""
    return Question(text, facts["solution"], facts["answer_type"], facts["options"], "stop")


def graded(
    questions: Sequence[Question], settings: GrpoSettings, grader: Grader, beat: Callable[[], None]
) -> list[float | None]:
    """What each answer earns by the composed reward; a control says nothing about answers."""
    return [earned(verdict, settings) for verdict in grader.ask(questions, beat)]


def earned(verdict: Verdict, settings: GrpoSettings) -> float | None:
    """One answer's reward; None where the gold answer cannot be read."""
    recipe = replace(recipe_of(settings, 0), name=COMPOSED, length=0.0)
    marks = Marks(verdict.is_correct, verdict.has_format, True, 0, (0, "", 0))
    parts = reward_parts(marks, recipe)
    return sum(parts.values()) if parts else None
