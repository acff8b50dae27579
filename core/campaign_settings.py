"""What a campaign decides once: thresholds, sizes, the gate's margin, how to train."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.domain.budget import DEFAULT_ANSWER_TOKENS
from core.domain.rewards import check_reward
from core.errors import InvalidInput
from core.specs import Device, GrpoSettings, Precision, Sampling

WIDEST_UNSIGNED = 0.03  # a wider gate margin needs somebody who answers for it


class Part(BaseModel):
    """A checked group of settings; an unknown name is an error, not a silent nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DiagnosisSettings(Part):
    """How weaknesses are found."""

    tau: float = Field(default=0.70, gt=0, lt=1, description="a skill below this accuracy is weak")
    alpha: float = Field(default=0.05, gt=0, lt=0.5, description="family-wise error over skills")
    items_a_skill: int = Field(default=200, ge=1, description="probe items a skill and round")


class MixtureSettings(Part):
    """What the next data is made of."""

    policy: Literal["calibrated", "ref"] = Field(
        default="calibrated", description="weights from what is known of a skill, or by the paper's table"
    )
    total: int = Field(default=1024, ge=1, le=100_000, description="samples a round")
    replay_share: float = Field(default=0.35, ge=0, le=1, description="of the samples, to keep what the model can do")
    two_persons: bool = Field(default=False, description="who started the round or edited its mixture cannot approve")


class GenerationSettings(Part):
    """How slots are filled."""

    concurrency: int = Field(default=32, ge=1, le=1024, description="slots that agents work on at once")
    max_refills: int = Field(default=5, ge=0, le=5, description="more tries of a slot whose first one was rejected")
    min_accept_share: float = Field(
        default=0.80, gt=0, le=1, description="of the slots; with fewer filled the round stops before it trains"
    )
    max_attempts: int = Field(default=3, ge=1, le=3, description="write and validate attempts in one try")


class ImageSettings(Part):
    """What a picture must measure to be a candidate; drawings are types such as charts, diagrams and maps."""

    min_side: int = Field(default=256, ge=1, le=10_000, description="pixels of the shorter side")
    min_bytes: int = Field(default=20_000, ge=0, description="file size of a photograph")
    max_bytes: int = Field(default=5_000_000, ge=1, description="largest file size of any picture")
    min_sharpness: float = Field(default=80.0, ge=0, description="variance of a photograph's Laplacian")
    drawing_min_bytes: int = Field(default=2_000, ge=0, description="file size of a drawing")
    drawing_min_sharpness: float = Field(default=10.0, ge=0, description="variance of a drawing's Laplacian")


class CallSettings(Part):
    """What a call of an endpoint may take at most: it is reserved in the budget before the call is sent."""

    max_answer_tokens: int = Field(
        default=DEFAULT_ANSWER_TOKENS, ge=1, le=1_000_000, description="tokens an agent's or a judge's answer may have"
    )
    picture_tokens: int = Field(
        default=0, ge=0, le=1_000_000, description="tokens a picture may cost; 0 reckons one for each 14 x 14 pixels"
    )


class DifficultySettings(Part):
    """How often the current model answers each sample, and how."""

    sampling: Sampling = Sampling(num_answers=9, temperature=1.0, top_k=40)


class GateSettings(Part):
    """When a child replaces its parent."""

    margin: float = Field(default=0.03, gt=0, le=0.2, description="what a protected suite may lose at most")
    margin_signed_by: str = Field(default="", description="who answers for a margin wider than .03")
    alpha: float = Field(default=0.05, gt=0, lt=0.5, description="error of the comparison")
    items_a_suite: int = Field(default=200, ge=1, description="gate items a suite, answered by parent and child")


class EngineSettings(Part):
    """Where and how GPU children run."""

    device: Device = Field(default="cpu", description="what children compute on")
    dtype: Precision = Field(default="float32", description="precision in which children answer and train")
    batch_size: int = Field(default=64, ge=1, description="items a batch; batches are the unit of resume")
    threads: int = Field(default=0, ge=0, description="CPU threads; 0 leaves the default")
    max_new_tokens: int = Field(default=1024, ge=1, description="tokens an answer may have")
    preflight: bool = Field(
        default=False, description="rounds are checked before they train, as runs by hand always are"
    )


class CampaignSettings(Part):
    """All settings of one campaign; a campaign's row holds exactly this as JSON."""

    diagnosis: DiagnosisSettings = DiagnosisSettings()
    mixture: MixtureSettings = MixtureSettings()
    generation: GenerationSettings = GenerationSettings()
    images: ImageSettings = ImageSettings()
    calls: CallSettings = CallSettings()
    difficulty: DifficultySettings = DifficultySettings()
    gate: GateSettings = GateSettings()
    engine: EngineSettings = EngineSettings()
    grpo: GrpoSettings = GrpoSettings()


def settings_problems(raw: object) -> dict[str, str]:
    """What is wrong with settings from outside, by dotted name; empty when they can be taken."""
    try:
        parse_settings(raw)
    except InvalidInput as error:
        whole = error.__cause__
        if not isinstance(whole, ValidationError):
            return {error.field.removeprefix("settings."): str(error)}
        return {".".join(str(part) for part in one["loc"]): one["msg"] for one in whole.errors()}
    return {}


def parse_settings(raw: object) -> CampaignSettings:
    """Settings from outside as checked values; InvalidInput names the first bad field."""
    try:
        parsed = CampaignSettings.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        field = "settings." + ".".join(str(part) for part in first["loc"])
        raise InvalidInput(f"{field}: {first['msg']}", field=field) from error
    if parsed.gate.margin > WIDEST_UNSIGNED and not parsed.gate.margin_signed_by:
        raise InvalidInput(
            "A gate margin wider than 0.03 needs a name in margin_signed_by.",
            field="settings.gate.margin_signed_by",
        )
    try:
        check_reward(parsed.grpo.reward)
    except ValueError as error:
        raise InvalidInput(f"settings.grpo.reward: {error}.", field="settings.grpo.reward") from error
    return parsed
