"""The migration that tells old calls what they were for."""

from importlib import import_module

import pytest
from django.apps import apps

from core.models import ModelCall
from tests.pages.rows import make_call, make_full_campaign, make_mixture, make_round
from training.models import RoundStage

fill = import_module("training.migrations.0008_old_calls_know_what_they_were_for").fill


@pytest.mark.django_db
def test_old_calls_learn_mixture_skill_and_round_only_where_there_is_no_doubt():
    campaign = make_full_campaign()
    round = make_round(campaign, "generate")
    mixture, job = campaign.mixtures.get(), RoundStage.objects.get(round=round, stage="generate").job
    name, slot = mixture.manifest_hash[:12], mixture.slots.get(index=5)
    sure = make_call(campaign, subject=f"{name}/s5/t1/repair", job=job)
    outside = make_call(campaign, subject="judge/0123/0", job=None)
    strange = make_call(campaign, subject=f"{name}/s99999/t0")
    known = make_call(campaign, subject=f"{name}/s5/t0", skill="kept")
    fill(apps, None)
    told = ModelCall.objects.in_bulk()
    assert told_of(told[sure.pk]) == (f"mixture:{mixture.pk}", slot.skill, 1)
    assert told_of(told[outside.pk]) == ("", "", None)
    assert told_of(told[strange.pk]) == (f"mixture:{mixture.pk}", "", None)
    assert told_of(told[known.pk]) == ("", "kept", None)


@pytest.mark.django_db
def test_calls_that_two_equal_mixtures_share_are_counted_for_neither():
    campaign = make_full_campaign()
    make_round(campaign, "generate")
    first = campaign.mixtures.get()
    again = make_mixture(first.report, first.total)
    again.slots.create(index=5, skill="another", purpose="target", image_type="map", question_type="number")
    assert again.manifest_hash == first.manifest_hash
    call = make_call(campaign, subject=f"{first.manifest_hash[:12]}/s0/t0")
    unlike = make_call(campaign, subject=f"{first.manifest_hash[:12]}/s5/t0")
    fill(apps, None)
    call.refresh_from_db(), unlike.refresh_from_db()
    assert told_of(call) == ("", first.slots.get(index=0).skill, None) and told_of(unlike) == ("", "", None)


def told_of(call: ModelCall) -> tuple[str, str, int | None]:
    return call.scope, call.skill, call.round_number
