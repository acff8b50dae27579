"""A campaign's settings as a form, made from their schema: a new setting appears by itself."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from core.campaign_settings import CampaignSettings

TITLES = {"grpo": "GRPO"}
ABOUT = {"grpo": "How the model is trained on the dataset, in TRL's terms."}
AFFECTS = {
    "diagnosis": "The next diagnosis asks so many items; the next report judges by tau and alpha.",
    "mixture": "Read when a mixture is proposed. One that waits for approval stays as it is.",
    "generation": "Read whenever agents start to work, also in the open round; concurrency also while they work.",
    "images": "Read whenever agents look for pictures, also in the round that is open now.",
    "difficulty": "Read when the current model starts to answer samples.",
    "gate": "Margin and items are frozen when an evaluation starts; an evaluation that exists keeps its own.",
    "engine": "Read when a GPU job is made. A run that exists keeps what its spec says.",
    "grpo": "Frozen in the spec of a training run; the next run takes what stands here.",
}


@dataclass(frozen=True)
class SettingField:
    """One setting: its dotted name, what it says now, and how it may be changed."""

    name: str
    label: str
    help: str
    value: str
    default: str
    bounds: str
    choices: tuple[str, ...]
    is_long: bool
    error: str

    @property
    def is_changed(self) -> bool:
        """Whether it differs from its default."""
        return self.value != self.default


@dataclass(frozen=True)
class SettingGroup:
    """Settings that belong together, and when a change of them is felt."""

    name: str
    title: str
    about: str
    affects: str
    fields: tuple[SettingField, ...]


def setting_groups(
    settings: CampaignSettings, typed: Mapping[str, str] = {}, problems: Mapping[str, str] = {}
) -> list[SettingGroup]:
    """All groups with their values; what was ``typed`` stands in place of what is stored, ``problems`` beside it."""
    groups = []
    for name, info in CampaignSettings.model_fields.items():
        schema = model_of(info)
        assert schema is not None
        leaves = leaves_of(schema, f"{name}.")
        fields = tuple(setting_field(place, leaf, settings, typed, problems) for place, leaf in leaves)
        title, about = TITLES.get(name, name.capitalize()), ABOUT.get(name) or (schema.__doc__ or "").split("\n")[0]
        groups.append(SettingGroup(name, title, about, AFFECTS.get(name, ""), fields))
    return groups


def leaves_of(schema: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every setting below a schema by its dotted name."""
    for name, info in schema.model_fields.items():
        inner = model_of(info)
        if inner is None:
            yield f"{prefix}{name}", info
        else:
            yield from leaves_of(inner, f"{prefix}{name}.")


def model_of(info: FieldInfo) -> type[BaseModel] | None:
    """The group that a field stands for; None for a single setting."""
    kind = info.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def setting_field(
    place: str,
    info: FieldInfo,
    settings: CampaignSettings,
    typed: Mapping[str, str],
    problems: Mapping[str, str],
) -> SettingField:
    """One setting for the page."""
    default = value_text(value_at(CampaignSettings(), place))
    value = typed.get(place, value_text(value_at(settings, place)))
    label = place.partition(".")[2].rpartition(".")[2].replace("_", " ")
    choices = choices_of(info)
    is_long = not choices and is_structured(info)
    error = next((said for name, said in problems.items() if name == place or name.startswith(f"{place}.")), "")
    return SettingField(place, label, info.description or "", value, default, bounds_of(info), choices, is_long, error)


def value_at(settings: CampaignSettings, place: str) -> Any:
    """The value of a setting by its dotted name."""
    value: Any = settings
    for part in place.split("."):
        value = getattr(value, part)
    return value


def value_text(value: Any) -> str:
    """A value as a form holds it."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return f"{value:.10g}" if isinstance(value, float) else json.dumps(value)


def is_structured(info: FieldInfo) -> bool:
    """Whether a setting is a list or a mapping, which the form takes as JSON."""
    return get_origin(info.annotation) in (dict, list, tuple)


def choices_of(info: FieldInfo) -> tuple[str, ...]:
    """What a setting may be where it is one of a few words."""
    if info.annotation is bool:
        return ("true", "false")
    values = get_args(info.annotation)
    return tuple(values) if values and all(isinstance(value, str) for value in values) else ()


def bounds_of(info: FieldInfo) -> str:
    """The limits of a number in words."""
    words = []
    for one in info.metadata:
        match one:
            case Ge(ge=limit):
                words.append(f"at least {value_text(limit)}")
            case Gt(gt=limit):
                words.append(f"above {value_text(limit)}")
            case Le(le=limit):
                words.append(f"at most {value_text(limit)}")
            case Lt(lt=limit):
                words.append(f"below {value_text(limit)}")
    return ", ".join(words)


def settings_typed(form: Mapping[str, str], settings: CampaignSettings) -> dict[str, Any]:
    """The document that a form says; a setting that the form lacks stays as it is."""
    document = settings.model_dump(mode="json")
    for place, info in leaves_of(CampaignSettings):
        if place in form:
            *groups, name = place.split(".")
            inner = document
            for group in groups:
                inner = inner[group]
            inner[name] = typed_value(form[place].strip(), info)
    return document


def typed_value(text: str, info: FieldInfo) -> Any:
    """What was typed, as the schema takes it; the schema itself says what is wrong with it."""
    if not text and type(None) in get_args(info.annotation):
        return None
    if is_structured(info):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text
