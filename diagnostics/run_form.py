"""The form that starts an answer run by hand."""

from typing import Any

from django import forms

from core.campaign_forms import plain_inputs
from core.models import Campaign
from core.specs import Sampling
from diagnostics.run_spec import ENGINES, RunChoice
from diagnostics.selectors.item_filters import benchmark_names, skill_names
from diagnostics.services.run_submit import MAX_ANSWERS, OPEN_SPLITS

TITLES = {
    "transformers": "transformers, on this server",
    "vllm": "vLLM, on this server's GPU",
    "endpoint": "the endpoint model under test",
}


class RunForm(forms.Form):
    """Who answers which items, how often and by which engine."""

    label = forms.CharField(max_length=120, help_text="What this run is called in lists.")
    checkpoint = forms.TypedChoiceField(coerce=int, empty_value=None, required=False)
    engine = forms.ChoiceField(choices=[(name, TITLES[name]) for name in ENGINES])
    split = forms.ChoiceField(choices=[(name, name) for name in OPEN_SPLITS])
    benchmark = forms.ChoiceField(required=False)
    skill = forms.ChoiceField(required=False)
    items_a_skill = forms.IntegerField(min_value=1, max_value=100_000, label="Items a skill")
    num_answers = forms.IntegerField(min_value=1, max_value=MAX_ANSWERS, initial=1, label="Answers an item")
    temperature = forms.FloatField(min_value=0, max_value=2, initial=0, help_text="0 takes the likeliest word.")

    def __init__(self, campaign: Campaign, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        checkpoints = list(campaign.checkpoints.order_by("-id").values_list("pk", "name"))
        self.fields["checkpoint"].initial = checkpoints[0][0] if checkpoints else None
        self._offer("checkpoint", [("", "the endpoint's model"), *checkpoints])
        self._offer("benchmark", [("", "All"), *((name, name) for name in benchmark_names(campaign))])
        self._offer("skill", [("", "All"), *((name, name) for name in skill_names(campaign))])
        self.fields["items_a_skill"].initial = campaign.config.diagnosis.items_a_skill
        plain_inputs(self)

    def _offer(self, name: str, choices: list[tuple[Any, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    @property
    def choice(self) -> RunChoice:
        """What ``answer_run_submit`` takes besides the checkpoint."""
        told = self.cleaned_data
        sampling = Sampling(num_answers=told["num_answers"], temperature=told["temperature"])
        return RunChoice(
            split=told["split"],
            items_a_skill=told["items_a_skill"],
            sampling=sampling,
            label=told["label"],
            round_number=1,
            engine=told["engine"],
            benchmark=told["benchmark"],
            skill=told["skill"],
        )
