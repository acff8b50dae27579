"""What judges may answer; whatever does not fit is malformed output, a fault of ours and never of the model judged."""

from typing import Annotated, Literal

from pydantic import Field

from core.asking import Reply, Text
from diagnostics.domain.kinds import ErrorType, ImageType

Confidence = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class Judgement(Reply):
    """Whether an answer means the gold answer, and the passage of it that decides."""

    verdict: Literal["correct", "incorrect"]
    evidence: Text
    confidence: Confidence

    @property
    def quote(self) -> str:
        """What must stand in the model's answer."""
        return self.evidence


class Labelling(Reply):
    """Of what type a picture is, and why an answer is wrong."""

    image_type: ImageType
    image_evidence: Text
    error_type: ErrorType
    error_evidence: Text

    @property
    def quote(self) -> str:
        """What must stand in the model's answer."""
        return self.error_evidence
