"""A checkpoint that only stands for predictions made elsewhere has no folder: nothing can start from it."""

import pytest

from core.errors import InvalidInput
from core.specs import Sampling
from diagnostics.services.answer_runs import answer_run_create
from tests.diagnostics.makers import make_checkpoint, make_items
from tests.factories import make_campaign
from training.selectors.offers import parent_default
from training.services.rounds import round_start

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign():
    campaign = make_campaign()
    make_items(campaign, "count", 2)
    return campaign


def test_it_is_not_offered_as_a_rounds_parent(campaign):
    own = make_checkpoint(campaign)
    make_checkpoint(campaign, path="")
    assert parent_default(campaign) == own


def test_a_round_that_names_it_is_refused(campaign):
    with pytest.raises(InvalidInput, match="no folder") as caught:
        round_start(actor=campaign.created_by, campaign=campaign, checkpoint=make_checkpoint(campaign, path=""))
    assert caught.value.field == "checkpoint"


def test_an_answer_run_that_names_it_is_refused(campaign):
    choice = {"split": "probe", "items_a_skill": 2, "sampling": Sampling(), "label": "run", "round_number": 1}
    with pytest.raises(InvalidInput, match="no folder"):
        answer_run_create(
            actor=campaign.created_by, campaign=campaign, checkpoint=make_checkpoint(campaign, path=""), **choice
        )
