"""What a dry run tells of a benchmark file, as JSON that a page can show."""

from collections import Counter
from typing import TypedDict

from diagnostics.benchmark_file import BenchmarkFile
from diagnostics.problems import ProblemLine
from diagnostics.survey import Survey

MAX_SKILLS = 100


class ImportReport(TypedDict):
    """Counts of a file's content and of its problems; lists are cut at 200 lines, skills at 100, counts are whole."""

    file: str
    format: str
    rows: int
    pictures: int
    picture_bytes: int
    splits: dict[str, int]
    skills: dict[str, int]
    num_skills: int
    duplicates: int
    duplicate_rows: list[int]
    num_problems: int
    kinds: dict[str, int]
    problems: list[ProblemLine]


def import_report(file: BenchmarkFile, survey: Survey) -> ImportReport:
    """The report on a file that was gone through."""
    problems = survey.problems
    return {
        "file": file.origin.path.name,
        "format": file.format.value,
        "rows": survey.num_rows,
        "pictures": len(survey.facts),
        "picture_bytes": sum(facts.num_bytes for facts in survey.facts.values()),
        "splits": dict(sorted(Counter(survey.split(key).value for key in survey.images).items())),
        "skills": dict(survey.skills.most_common(MAX_SKILLS)),
        "num_skills": len(survey.skills),
        "duplicates": survey.num_same_content,
        "duplicate_rows": survey.same_content,
        "num_problems": problems.total,
        "kinds": {kind.value: count for kind, count in problems.counts.most_common()},
        "problems": problems.lines(),
    }
