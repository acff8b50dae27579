"""Adapters are no model: no run by hand and no campaign starts from them, and each says what to do instead."""

from dataclasses import replace

import pytest

from core.campaign_file import CampaignFile, NamedPath
from core.errors import InvalidInput
from tests.diagnostics.makers import make_adapter
from tests.factories import make_campaign
from tests.training.rows import make_checkpoint, make_dataset, make_folder, make_mixture, make_report, make_run
from training.launch_draft import draft_of
from training.preflight import checkpoint_checks
from training.services.launches import training_run_launch

pytestmark = pytest.mark.django_db


def test_a_run_by_hand_is_refused(tmp_path):
    campaign = make_campaign()
    whole = make_checkpoint(campaign, make_folder(tmp_path / "whole"))
    make_dataset(make_mixture(campaign, make_report(campaign, make_run(campaign, whole, []))), tmp_path / "samples")
    adapter = make_checkpoint(campaign, make_adapter(tmp_path / "adapter"))
    launch = replace(draft_of(campaign, None).launch(), parent=adapter)
    with pytest.raises(InvalidInput, match="merge them into a full checkpoint first") as caught:
        training_run_launch(actor=campaign.created_by, campaign=campaign, launch=launch)
    assert caught.value.field == "parent"


def test_a_campaign_file_that_names_them_fails_its_check(import_root):
    make_adapter(import_root / "adapter")
    file = CampaignFile(slug="fresh", name="Fresh", checkpoint=NamedPath(name="base", path="adapter"))
    (check,) = checkpoint_checks(file)
    assert check.status == "fail" and "name the folder of their base" in check.sentence
