"""A training run before it exists: what its form says, what a preset changes in it, and how it differs from another."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from core.campaign_settings import CampaignSettings, parse_settings, settings_problems
from core.campaigns import settings_changed
from core.domain.seeds import seed_of
from core.errors import InvalidInput
from core.models import Campaign
from core.presets import PRESETS, Preset
from core.settings_form import settings_typed
from core.specs import GrpoSettings
from datagen.models import Dataset
from diagnostics.models import Checkpoint
from training.models import TrainingRun
from training.selectors.offers import parent_default
from training.services.launches import Launch

MAX_SEED = 2**62


@dataclass(frozen=True)
class Draft:
    """Where a form starts: another run's spec, or what the campaign says."""

    settings: CampaignSettings
    parent: Checkpoint | None
    dataset: Dataset | None
    seed: int
    child_name: str = ""

    def launch(self) -> Launch:
        """The run that the draft makes; InvalidInput names what is missing."""
        if self.parent is None:
            raise InvalidInput("parent: choose a checkpoint.", field="parent")
        if self.dataset is None:
            raise InvalidInput("dataset: choose a dataset.", field="dataset")
        engine = self.settings.engine
        words = (self.seed, self.child_name)
        return Launch(self.parent, self.dataset, self.settings.grpo, engine.device, engine.dtype, *words)


@dataclass(frozen=True)
class Change:
    """One setting that is otherwise: before, after, and why if somebody said so."""

    name: str
    before: Any
    after: Any
    why: str = ""


def draft_of(campaign: Campaign, run: TrainingRun | None) -> Draft:
    """A run's own spec to start from; without one the campaign's settings, newest dataset and next parent."""
    config = campaign.config
    if run is None:
        newest = campaign.datasets.defer("manifest").order_by("-id").first()
        return Draft(config, parent_default(campaign), newest, seed_of(campaign.seed, "train by hand") % MAX_SEED)
    return Draft(spec_settings(config, run.spec), run.parent, run.dataset, run.seed)


def spec_settings(config: CampaignSettings, spec: Mapping[str, Any]) -> CampaignSettings:
    """The campaign's settings with those of a frozen spec in their place."""
    engine = {name: spec[name] for name in ("device", "dtype") if name in spec}
    grpo = GrpoSettings.model_validate(spec.get("settings", {}))
    return config.model_copy(update={"grpo": grpo, "engine": config.engine.model_copy(update=engine)})


def preset_named(name: str) -> Preset:
    """The preset of this name."""
    if name not in PRESETS:
        raise InvalidInput(f"preset: one of {', '.join(PRESETS)}.", field="preset")
    return PRESETS[name]


def with_preset(settings: CampaignSettings, preset: Preset) -> CampaignSettings:
    """The settings as the preset has them; what generates stays, because it belongs to the place."""
    generator = {name: getattr(settings.grpo, name) for name in ("vllm_url", "vllm_memory_share")}
    grpo = preset.settings.model_copy(update=generator)
    engine = settings.engine.model_copy(update={"device": preset.device, "dtype": preset.dtype})
    return settings.model_copy(update={"grpo": grpo, "engine": engine})


def preset_changes(settings: CampaignSettings, preset: Preset) -> list[Change]:
    """What the preset changes, each with its reason."""
    told = changes_between(settings, with_preset(settings, preset))
    return [replace(one, why=preset.reasons.get(one.name, "")) for one in told]


def changes_between(old: CampaignSettings, new: CampaignSettings) -> list[Change]:
    """Every setting of training that differs."""
    found: list[Change] = []
    for group in ("engine", "grpo"):
        before, after = (getattr(side, group).model_dump(mode="json") for side in (old, new))
        found += [Change(name, *pair) for name, pair in settings_changed(before, after).items()]
    return found


def draft_typed(campaign: Campaign, draft: Draft, typed: Mapping[str, str]) -> tuple[Draft, dict[str, str]]:
    """The draft with what a form says in it, and what is wrong, by field."""
    document = settings_typed(typed, draft.settings)
    problems = settings_problems(document)
    given: dict[str, Any] = {"child_name": typed.get("child_name", draft.child_name)[:120]}
    for name, read in (("parent", parent_read), ("dataset", dataset_read), ("seed", seed_read)):
        if name in typed:
            try:
                given[name] = read(campaign, typed[name])
            except InvalidInput as error:
                problems[name] = str(error).removeprefix(f"{name}: ")
    if not problems:
        given["settings"] = parse_settings(document)
    return replace(draft, **given), problems


def parent_read(campaign: Campaign, text: str) -> Checkpoint:
    """The campaign's checkpoint of that id."""
    found = campaign.checkpoints.filter(pk=text).first() if is_small_number(text) else None
    if found is None:
        raise InvalidInput("parent: choose a checkpoint of this campaign.", field="parent")
    return found


def dataset_read(campaign: Campaign, text: str) -> Dataset:
    """The campaign's dataset of that id."""
    found = campaign.datasets.defer("manifest").filter(pk=text).first() if is_small_number(text) else None
    if found is None:
        raise InvalidInput("dataset: choose a dataset of this campaign.", field="dataset")
    return found


def seed_read(campaign: Campaign, text: str) -> int:
    """A whole number from 0 on."""
    if not is_small_number(text):
        raise InvalidInput(f"seed: a whole number from 0 to {MAX_SEED - 1}.", field="seed")
    return int(text)


def is_small_number(text: str) -> bool:
    """Whether a text is a number that fits every column."""
    return text.isascii() and text.isdecimal() and len(text) < 20 and int(text) < MAX_SEED
