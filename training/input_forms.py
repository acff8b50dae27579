"""The forms that import what a campaign is made from: folders, benchmark files, predictions."""

from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any

from django import forms

from core.campaign_forms import plain_inputs
from diagnostics.formats.detect import ENDINGS, Format
from diagnostics.formats.records import columns_read
from diagnostics.services.predictions import SPLITS

FORMATS = [("", "as the file tells"), *((one.value, one.value) for one in Format)]
MAX_COLUMNS = 2000  # characters of the mapping


class ImportForm(forms.Form):
    """One thing to import: its path, and a name that may follow from it."""

    path = forms.CharField(max_length=500)
    name = forms.CharField(max_length=120, required=False, help_text="Empty: as the file or folder is called.")

    def __init__(self, kind: str, *args: Any) -> None:
        super().__init__(*args)
        self.auto_id = f"{kind}_%s"
        plain_inputs(self)
        self.fields["path"].widget.attrs["list"] = f"{kind}-paths"

    @property
    def words(self) -> dict[str, Any]:
        """What the import services take."""
        path = self.cleaned_data["path"]
        return {"path": path, "name": self.cleaned_data["name"] or named(path)["name"]}


class BenchmarkForm(ImportForm):
    """A benchmark's file, and how it is read where it does not tell by itself."""

    format = forms.ChoiceField(choices=FORMATS, required=False)
    columns = forms.CharField(
        required=False,
        max_length=MAX_COLUMNS,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "class": "code"}),
        help_text="Where the file has other names, one a line: <code>question=prompt</code>",
    )

    @property
    def file_words(self) -> dict[str, Any]:
        """What a dry run takes; InvalidInput when a line of ``columns`` is no pair."""
        told = self.cleaned_data
        lines = [line for line in told["columns"].splitlines() if line.strip()]
        return {"path": told["path"], "format": told["format"], "columns": columns_read(lines)}

    @property
    def words(self) -> dict[str, Any]:
        """What an import takes."""
        return {**super().words, **self.file_words}


class PredictionsForm(forms.Form):
    """A file of answers that a model gave elsewhere, whose they are, and which items they answer."""

    path = forms.CharField(max_length=500)
    benchmark = forms.ChoiceField()
    checkpoint_name = forms.CharField(
        max_length=120, help_text="Whose answers they are; the same name is the same checkpoint."
    )
    split = forms.ChoiceField(choices=[(split, split) for split in SPLITS])

    def __init__(self, benchmarks: Iterable[str], *args: Any) -> None:
        super().__init__(*args)
        self.auto_id = "predictions_%s"
        plain_inputs(self)
        self.fields["path"].widget.attrs["list"] = "predictions-paths"
        field = self.fields["benchmark"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(name, name) for name in benchmarks]


def named(path: str) -> dict[str, str]:
    """A path with the name that follows from it: a file's without its ending."""
    place = PurePosixPath(path)
    name = place.stem if place.suffix.casefold() in ENDINGS else place.name
    return {"name": name[:120] or path[:120], "path": path}
