"""What the launch form shows: the settings that matter, presets, the spec as it will be stored, and what differs."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from core.campaign_settings import CampaignSettings
from core.models import Campaign
from core.presets import PRESETS
from core.settings_form import SettingField, setting_groups
from training.launch_draft import Change, Draft, changes_between, spec_settings
from training.models import TrainingRun
from training.selectors.runs import newest_run

# The settings that matter, in the order of thinking: how hard, how much, how far, how long, how seen, where.
MAIN = {
    "How it learns": ("learning_rate", "beta", "epsilon", "epsilon_high", "temperature"),
    "How much": ("steps", "prompts_per_step", "num_generations", "micro_batch_size"),
    "What it sees and says": ("max_completion_tokens", "max_pixels"),
    "What is trained, and where": ("lora_rank", "lora_alpha", "freeze_vision", "gpus", "sharding", "device", "dtype"),
}


def launch_context(
    campaign: Campaign, draft: Draft, typed: Mapping[str, str], problems: Mapping[str, str]
) -> dict[str, Any]:
    """The form with what was typed and what is wrong with it."""
    fields = training_fields(draft.settings, typed, problems)
    main = [(title, [fields[name] for name in names]) for title, names in MAIN.items()]
    shown = {name for names in MAIN.values() for name in names}
    rest = [field for name, field in fields.items() if name not in shown]
    return {
        "main": main,
        "rest": rest,
        "num_rest_changed": sum(field.is_changed for field in rest),
        "draft": draft,
        "seed": typed.get("seed", str(draft.seed)),
        "presets": list(PRESETS.values()),
        "parents": [(row.pk, row.name) for row in campaign.checkpoints.order_by("-id") if not row.lacks],
        "datasets": list(campaign.datasets.defer("manifest").order_by("-id")),
        "problems": problems,
        "wrong": homeless(problems, [field.name for field in fields.values()]),
    }


def homeless(problems: Mapping[str, str], places: Sequence[str]) -> dict[str, str]:
    """What is wrong with no setting alone, and so is said above them all."""
    at_home = {name for name in problems for place in places if name == place or name.startswith(f"{place}.")}
    return {name.removeprefix("grpo"): said for name, said in problems.items() if name not in at_home}


def training_fields(
    settings: CampaignSettings, typed: Mapping[str, str], problems: Mapping[str, str]
) -> dict[str, SettingField]:
    """Every setting of GRPO and the engine's two that a run freezes, by their own names."""
    groups = {group.name: group.fields for group in setting_groups(settings, typed, problems)}
    engine = [field for field in groups["engine"] if field.name in ("engine.device", "engine.dtype")]
    return {field.name.partition(".")[2]: field for field in (*groups["grpo"], *engine)}


def preview_context(campaign: Campaign, draft: Draft, of: TrainingRun | None) -> dict[str, Any]:
    """The spec as it will be stored, and against which run it differs in what."""
    spec = draft.launch().spec
    against = of or newest_run(campaign)
    stored = spec.model_dump(mode="json", exclude={"places"})
    return {
        "spec": json.dumps(stored, indent=1),
        "run_name": spec.run_name(),
        "against": against,
        "differences": differences(draft, against) if against else [],
    }


def differences(draft: Draft, run: TrainingRun) -> Sequence[Change]:
    """What the draft does otherwise than a run."""
    old = spec_settings(draft.settings, run.spec)
    pairs = {
        "parent": (run.parent.name, draft.parent.name if draft.parent else ""),
        "dataset": (short(run.dataset.manifest_hash), short(draft.dataset.manifest_hash) if draft.dataset else ""),
        "seed": (run.seed, draft.seed),
    }
    made_of = [Change(name, *pair) for name, pair in pairs.items() if pair[0] != pair[1]]
    return [*made_of, *changes_between(old, draft.settings)]


def short(value: str) -> str:
    """The first twelve digits of a hash."""
    return value[:12]
