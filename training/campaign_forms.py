"""The forms that make a campaign."""

from typing import Any

from django import forms

from core.campaign_file import KEY_ENV, MAX_BYTES, SLUG
from core.campaign_forms import plain_inputs
from core.campaign_settings import CampaignSettings
from core.errors import InvalidInput
from training.input_forms import named
from training.selectors.import_files import ImportFiles

DEFAULTS = CampaignSettings()
PLACES = {  # where a fault in the document belongs in the form
    "checkpoint": "checkpoint",
    "benchmarks": "benchmarks",
    "pools": "pools",
    "endpoints.0.base_url": "base_url",
    "endpoints.0.key_env": "key_env",
    "endpoints.0.model": "model",
    "settings.mixture.policy": "policy",
    "settings.mixture.total": "total",
    "settings.gate.margin": "margin",
    "settings.engine": "device",
}


class CampaignForm(forms.Form):
    """The parts of a campaign that most people choose; all else has its default and can be changed later."""

    name = forms.CharField(max_length=120)
    slug = forms.RegexField(
        SLUG,
        max_length=60,
        help_text="Its name in addresses: small letters, digits and hyphens.",
        error_messages={"invalid": "Small letters, digits and hyphens, not beginning with a hyphen."},
    )
    seed = forms.IntegerField(
        min_value=0, max_value=(1 << 62) - 1, initial=0, help_text="Every random choice follows from it."
    )
    checkpoint = forms.ChoiceField()
    benchmarks = forms.MultipleChoiceField(widget=forms.CheckboxSelectMultiple)
    pools = forms.MultipleChoiceField(widget=forms.CheckboxSelectMultiple)
    base_url = forms.CharField(
        max_length=300,
        required=False,
        label="Agents' base URL",
        help_text="An OpenAI-compatible server for all roles, with /v1. Each role can have its own later.",
    )
    model = forms.CharField(max_length=120, required=False, label="Agents' model")
    key_env = forms.RegexField(
        KEY_ENV,
        required=False,
        max_length=60,
        label="Key variable",
        help_text="The environment variable that holds the key; the key itself is never stored.",
        error_messages={"invalid": "A name in capitals that ends in KEY or TOKEN."},
    )
    policy = forms.ChoiceField(choices=[("calibrated", "calibrated"), ("ref", "ref: as in the paper")])
    total = forms.IntegerField(min_value=1, max_value=100_000, initial=DEFAULTS.mixture.total, label="Samples a round")
    margin = forms.FloatField(
        min_value=0.001,
        max_value=0.2,
        initial=DEFAULTS.gate.margin,
        help_text="What a protected suite may lose: 0.03 is three points.",
    )
    margin_signed_by = forms.CharField(
        max_length=120, required=False, label="Signed by", help_text="Who answers for a margin wider than 0.03."
    )
    device = forms.ChoiceField(choices=[("cuda", "GPUs, bfloat16"), ("cpu", "CPU, float32")], label="Runs on")

    def __init__(self, files: ImportFiles, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen: dict[str, tuple[str, ...]] = {
            "checkpoint": files.checkpoints,
            "benchmarks": files.benchmarks,
            "pools": files.pools,
        }
        for name, paths in chosen.items():
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [(path, path) for path in paths]
        plain_inputs(self)

    def document(self) -> dict[str, Any]:
        """The campaign's file as the form says it."""
        told = self.cleaned_data
        place = {"base_url": told["base_url"], "model": told["model"], "key_env": told["key_env"]}
        return {
            "slug": told["slug"],
            "name": told["name"],
            "seed": told["seed"],
            "checkpoint": named(told["checkpoint"]),
            "benchmarks": [named(path) for path in told["benchmarks"]],
            "pools": [named(path) for path in told["pools"]],
            "endpoints": [place] if told["base_url"] or told["model"] else [],
            "settings": {
                "mixture": {"policy": told["policy"], "total": told["total"]},
                "gate": {"margin": told["margin"], "margin_signed_by": told["margin_signed_by"]},
                "engine": {"device": told["device"], "dtype": "bfloat16" if told["device"] == "cuda" else "float32"},
            },
        }

    def show(self, error: InvalidInput) -> None:
        """A fault in the document beside the field that it came from."""
        name = next((name for place, name in PLACES.items() if error.field.startswith(place)), error.field)
        if error.field == "settings.gate.margin_signed_by":
            name = "margin_signed_by"
        self.add_error(name if name in self.fields else None, str(error).removeprefix(f"{error.field}: "))


class YamlForm(forms.Form):
    """A campaign's file, pasted or uploaded; an upload goes first."""

    text = forms.CharField(
        required=False,
        max_length=MAX_BYTES,
        label="YAML",
        strip=False,
        widget=forms.Textarea(attrs={"rows": 16, "spellcheck": "false", "class": "code"}),
    )
    upload = forms.FileField(required=False, label="or a file", allow_empty_file=True)

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.label_suffix = ""

    def content(self) -> bytes | str:
        """The file's text, not yet read as YAML."""
        upload = self.cleaned_data.get("upload")
        if upload:
            raw: bytes = upload.read(MAX_BYTES + 1)
            return raw
        text: str = self.cleaned_data["text"]
        if not text.strip():
            raise InvalidInput("text: paste a campaign's file, or choose one.", field="text")
        return text
