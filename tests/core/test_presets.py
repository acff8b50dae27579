"""Settings beyond our own are checked by name before any GPU time, and presets are settings that pass."""

import pytest

from core.campaign_settings import CampaignSettings, parse_settings
from core.errors import InvalidInput
from core.presets import PRESETS
from core.settings_form import setting_groups
from core.specs import GrpoSettings


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ({"lr": 1e-5}, "lr cannot be given"),
        ({"learning_rate": 1e-5}, "learning_rate cannot be given"),
        ({"generation_kwargs": "seed"}, "generation_kwargs cannot be given"),
        ({"adam_beta1": "high"}, "adam_beta1 must be int or float"),
        ({"warmup_steps": True}, "warmup_steps must be int"),
    ],
)
def test_an_extra_setting_that_is_unknown_ours_or_of_another_type_is_refused_by_name(extra, said):
    with pytest.raises(InvalidInput, match=said) as caught:
        parse_settings({"grpo": {"extra": extra}})
    assert caught.value.field == "settings.grpo.extra"


def test_extra_settings_are_part_of_a_runs_identity():
    assert GrpoSettings(extra={"adam_beta2": 0.95}) != GrpoSettings()


def test_a_step_that_does_not_divide_over_the_gpus_is_refused():
    with pytest.raises(InvalidInput, match="multiple of gpus"):
        parse_settings({"grpo": {"gpus": 3, "prompts_per_step": 32}})


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_explains_what_it_sets_and_is_accepted_as_it_is(name):
    preset = PRESETS[name]
    raw = preset.settings.model_dump(mode="json")
    assert parse_settings({"grpo": raw}).grpo == preset.settings
    assert set(preset.reasons) <= set(raw)


def test_presets_of_large_models_train_adapters_or_divided_weights_each_at_its_rate():
    large = [preset.settings for preset in PRESETS.values() if preset.device == "cuda"]
    adapters, whole = [s for s in large if s.lora_rank], [s for s in large if not s.lora_rank]
    assert len(adapters) == len(whole) == 2
    assert all(s.lora_rank == 32 and s.learning_rate >= 1e-5 and s.freeze_vision and s.max_pixels for s in adapters)
    assert all(s.learning_rate == 1e-6 and s.sharding == "full" and s.gpus > 1 and not s.freeze_vision for s in whole)


def test_every_setting_of_a_campaign_says_what_it_does():
    groups = setting_groups(CampaignSettings())
    assert [field.name for group in groups for field in group.fields if not field.help] == []
