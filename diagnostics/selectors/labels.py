"""Labels of wrong answers with people's word beside the judge's, and how far the judge can be trusted."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import QuerySet

from diagnostics.domain.panel import LabelQuality, label_qualities
from diagnostics.models import Correction, Item, Judging, Label
from diagnostics.selectors.rulings import answers_seen

PAGE = 20


@dataclass(frozen=True)
class LabelView:
    """A judge's label and the newest word of a person on it."""

    label: Label
    correction: Correction | None

    @property
    def image_type(self) -> str:
        """The picture's type as it counts now: a person's word before the judge's."""
        return self.correction.image_type if self.correction else self.label.image_type

    @property
    def error_type(self) -> str:
        """The error's type as it counts now."""
        return self.correction.error_type if self.correction else self.label.error_type


@dataclass(frozen=True)
class Quality:
    """Precision and recall of a judge's labels by what people said, of pictures and of errors."""

    num_looked_at: int
    image_types: list[LabelQuality]
    error_types: list[LabelQuality]


def labels_of(judging: Judging) -> QuerySet[Label]:
    """The labels by this judging's judge and words; none where it is no labelling."""
    if judging.way != "types":
        return Label.objects.none()
    role, model = judging.judges[0]
    return Label.objects.filter(run=judging.run_id, judge=f"{role}: {model}", prompt_hash=judging.prompt_hash)


def labels_shown(judging: Judging) -> QuerySet[Label]:
    """The same with their items and corrections; NotAllowed where the items are sealed."""
    answers_seen(judging.run)
    return labels_of(judging).select_related("answer__item__benchmark").prefetch_related("corrections__made_by")


def label_views(labels: Iterable[Label]) -> list[LabelView]:
    """Labels with the word that counts."""
    return [LabelView(row, max(row.corrections.all(), key=lambda one: one.pk, default=None)) for row in labels]


def item_labels(item: Item) -> list[LabelView]:
    """The newest labels of an item's answers, those that judges could give; three queries."""
    rows = Label.objects.filter(answer__item=item, fault="").select_related("answer", "run__checkpoint")
    return label_views(rows.prefetch_related("corrections__made_by").order_by("-id")[:PAGE])


def label_quality(judging: Judging) -> Quality:
    """How far this labelling's judge agrees with the people who looked; one query, over what they looked at."""
    names = ("label_id", "label__image_type", "image_type", "label__error_type", "error_type")
    told = Correction.objects.filter(label__in=labels_of(judging).filter(fault="")).order_by("id").values_list(*names)
    newest = {label: words for label, *words in told}
    pictures = label_qualities((words[0], words[1]) for words in newest.values())
    errors = label_qualities((words[2], words[3]) for words in newest.values())
    return Quality(len(newest), pictures, errors)
