"""REST of mixtures: look at them, try other shares, and store those that a person wants."""

from dataclasses import asdict
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api import Body, body_of, campaign_of, person_of
from core.api_cursor import CURSOR, cursor_page
from datagen.domain.edits import MixtureEdit
from datagen.domain.mixture import Proposal, Purpose, manifest_hash
from datagen.selectors import mixture_line, mixture_of, mixture_read, sample_counts
from datagen.services.mixture_edits import mixture_edit, mixture_preview, mixture_restore


class SharesBody(Body):
    """Shares in samples; skills that are not named give way in proportion, locked ones stay as they are."""

    shares: dict[str, float] = Field(default={}, max_length=10_000)
    purposes: dict[str, Purpose] = Field(default={}, max_length=10_000)
    locked: list[str] = Field(default=[], max_length=10_000)

    @property
    def edit(self) -> MixtureEdit:
        """What is wanted, as a plain value."""
        return MixtureEdit(self.shares, self.purposes, frozenset(self.locked))


class SeenBody(Body):
    """The hash of the mixture that was seen; another one is not changed."""

    manifest_hash: str = Field(min_length=1, max_length=64)


class RowsBody(SharesBody, SeenBody):
    """The shares to store, and the mixture that was seen before."""


class MixtureList(APIView):
    """Mixtures of a campaign."""

    @extend_schema(operation_id="mixture_list", parameters=CURSOR, responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str) -> Response:
        """Page by page, the newest first, without their rows."""
        return cursor_page(request, campaign_of(request, slug).mixtures.all(), mixture_line)


class MixtureDetail(APIView):
    """What the next data is made of."""

    @extend_schema(operation_id="mixture_read", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """A mixture with its rows, and how far its slots are filled."""
        mixture = mixture_of(campaign_of(request, slug), pk)
        return Response({**mixture_read(mixture), "samples": sample_counts(mixture)})


class MixturePreview(APIView):
    """Other shares, tried out."""

    @extend_schema(operation_id="mixture_preview", request=SharesBody, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request, slug: str, pk: int) -> Response:
        """The quotas, the notes and the hash that these shares would give; nothing is written."""
        body, mixture = body_of(request, SharesBody), mixture_of(campaign_of(request, slug), pk)
        proposal = mixture_preview(actor=person_of(request), mixture_id=mixture.pk, edit=body.edit)
        return Response(proposal_json(proposal))


class MixtureRows(APIView):
    """The shares of a mixture that waits for approval."""

    @extend_schema(operation_id="mixture_edit", request=RowsBody, responses=OpenApiTypes.OBJECT)
    def put(self, request: Request, slug: str, pk: int) -> Response:
        """Store other shares; 409 when the mixture changed or was decided since it was seen."""
        body, mixture = body_of(request, RowsBody), mixture_of(campaign_of(request, slug), pk)
        actor, seen_hash = person_of(request), body.manifest_hash
        changed = mixture_edit(actor=actor, mixture_id=mixture.pk, seen_hash=seen_hash, edit=body.edit)
        return Response(mixture_read(changed))


class MixtureRestore(APIView):
    """The policy's own proposal."""

    @extend_schema(operation_id="mixture_restore", request=SeenBody, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request, slug: str, pk: int) -> Response:
        """Take a person's shares away: the policy's own proposal comes back."""
        body, mixture = body_of(request, SeenBody), mixture_of(campaign_of(request, slug), pk)
        actor, seen_hash = person_of(request), body.manifest_hash
        return Response(mixture_read(mixture_restore(actor=actor, mixture_id=mixture.pk, seen_hash=seen_hash)))


def proposal_json(proposal: Proposal) -> dict[str, Any]:
    """A proposal as the API shows it."""
    return {**asdict(proposal), "manifest_hash": manifest_hash(proposal)}
