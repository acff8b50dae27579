"""A campaign as one YAML or JSON document: what it trains, on what, with whose help, by which settings."""

from collections.abc import Hashable, Iterable
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError, field_validator

from core.budget_caps import CapValues
from core.campaign_settings import CampaignSettings, Part
from core.errors import InvalidInput
from core.roles import CHAT_ROLES, Role

MAX_BYTES = 128 << 10
RESERVED_SLUGS = ("new", "from-file", "check")  # addresses beside those of campaigns
SLUG = r"^[a-z0-9][a-z0-9-]{0,59}$"
KEY_ENV = r"^([A-Z][A-Z0-9_]{0,55}(KEY|TOKEN))?$"
MemberRole = Literal["viewer", "curator", "researcher", "approver", "admin"]


class NamedPath(Part):
    """A name to give, and a path; a relative one starts at the first import folder."""

    name: str = Field(min_length=1, max_length=120)
    path: str = Field(min_length=1, max_length=500)


class FileBenchmark(NamedPath):
    """How its file is read, where it does not tell by itself: ``columns`` maps our names to the file's."""

    format: str = Field(default="", max_length=20)
    columns: dict[str, str] = Field(default={}, max_length=20)


class FileEndpoint(Part):
    """An OpenAI-compatible server and the roles that it plays; prices are money a million tokens, and a picture."""

    roles: list[Role] = Field(default=list(CHAT_ROLES), min_length=1)
    base_url: str = Field(min_length=1, max_length=300)
    model: str = Field(min_length=1, max_length=120)
    key_env: str = Field(default="", pattern=KEY_ENV)
    concurrency: int = Field(default=16, ge=1, le=1024)
    timeout_s: float | None = Field(default=None, gt=0, le=3600, description="empty: what suits each role")
    price_in: float = Field(default=0, ge=0, lt=1e6)
    price_out: float = Field(default=0, ge=0, lt=1e6)
    price_image: float = Field(default=0, ge=0, lt=1e6)

    @field_validator("roles", mode="before")
    @classmethod
    def all_of_them(cls, value: object) -> object:
        """``all`` stands for every role that speaks chat completions."""
        return list(CHAT_ROLES) if value == "all" else value

    @property
    def fields(self) -> dict[str, Any]:
        """Everything but the roles, as ``endpoint_set`` takes it."""
        return self.model_dump(exclude={"roles"})


class FileMember(Part):
    """A person who has an account here, and what they may do."""

    user: str = Field(min_length=1, max_length=150)
    role: MemberRole


class CampaignFile(Part):
    """All of a campaign before its first round."""

    slug: str = Field(pattern=SLUG)
    name: str = Field(min_length=1, max_length=120)
    seed: int = Field(default=0, ge=0, lt=1 << 62)
    checkpoint: NamedPath | None = None
    benchmarks: list[FileBenchmark] = Field(default=[], max_length=100)
    pools: list[NamedPath] = Field(default=[], max_length=100)
    endpoints: list[FileEndpoint] = Field(default=[], max_length=20)
    members: list[FileMember] = Field(default=[], max_length=200)
    budget: CapValues = CapValues()
    settings: CampaignSettings = CampaignSettings()

    @property
    def roles(self) -> dict[str, FileEndpoint]:
        """Who plays which role."""
        return {role: endpoint for endpoint in self.endpoints for role in endpoint.roles}


class StrictLoader(yaml.SafeLoader):
    """Plain data only: no aliases (a few lines could stand for gigabytes), and no key twice."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        """A node that is no alias."""
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]  # untyped in types-PyYAML
            raise yaml.MarkedYAMLError(problem="aliases (*name) are not taken", problem_mark=mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        """A mapping whose keys are all different."""
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, Hashable) and key in seen:
                raise yaml.MarkedYAMLError(problem=f"the key {key!r} comes twice", problem_mark=key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


def yaml_read(text: str | bytes) -> object:
    """The plain data in a YAML text; InvalidInput says where it is wrong."""
    if len(text) > MAX_BYTES:
        raise InvalidInput(f"file: it is larger than {MAX_BYTES >> 10} KiB.", field="file")
    try:
        return yaml.load(text, Loader=StrictLoader)  # noqa: S506 - a SafeLoader, made stricter
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise InvalidInput(f"file: {where}{error.problem}.", field="file") from error
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise InvalidInput("file: this is no YAML text.", field="file") from error


def campaign_file_parse(raw: object) -> CampaignFile:
    """A document from outside as checked values; InvalidInput names the place, like ``endpoints.1.base_url``."""
    try:
        file = CampaignFile.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "file"
        raise InvalidInput(f"{place}: {first['msg']}.", field=place) from error
    if file.slug in RESERVED_SLUGS:
        raise InvalidInput(f"slug: {file.slug!r} is an address of the site, take another one.", field="slug")
    distinct("benchmarks", "name", [one.name for one in file.benchmarks])
    distinct("pools", "name", [one.name for one in file.pools])
    distinct("members", "user", [one.user for one in file.members])
    distinct("endpoints", "roles", [role for one in file.endpoints for role in one.roles])
    return file


def distinct(group: str, field: str, values: Iterable[str]) -> None:
    """Go on only when no value comes twice."""
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise InvalidInput(f"{group}: the {field} {value!r} comes twice.", field=group)
        seen.add(value)


def campaign_file_text(file: CampaignFile) -> str:
    """The YAML text that ``yaml_read`` and ``campaign_file_parse`` bring back to the same value."""
    text: str = yaml.safe_dump(file.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    return text
