"""Types of picture and error by a judge, and what people say of them."""

import pytest

from core.errors import InvalidInput, NotAllowed
from diagnostics.models import Correction, Item, Label
from diagnostics.services.corrections import label_correct
from tests.diagnostics.judge_world import judge, label_as, make_judged_run
from tests.factories import make_member
from tests.fake_endpoint import FakeEndpoint, served

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server():
    with served(FakeEndpoint({"Labelling": label_as("chart_graph", "calculation")})) as endpoint:
        yield endpoint


def test_wrong_answers_alone_are_labelled_with_their_picture_and_the_evidence(server):
    judging = judge(make_judged_run(server, "rlwwu"), "types")
    labels = list(Label.objects.all())
    assert len(labels) == 2 and all(asked.images for asked in server.seen)
    label = labels[0]
    assert (label.image_type, label.error_type, label.error_evidence, label.judge) == (
        "chart_graph",
        "calculation",
        "w",
        "judge: judge",
    )
    assert judging.result["skills"] == [{"skill": "count", "error_types": {"calculation": 2}}]


def test_a_made_up_type_or_quote_is_our_fault_and_no_label(server):
    server.replies["Labelling"] = label_as("hologram", "calculation")
    judging = judge(make_judged_run(server, "w"), "types")
    assert judging.result["faults"] == {"judge_malformed": 1} and judging.result["labelled"] == 0
    assert Label.objects.get().error_type == ""


def test_a_correction_stands_beside_the_judges_word_and_changes_no_item(server):
    run = make_judged_run(server, "w")
    judge(run, "types")
    label, curator = Label.objects.get(), make_member(run.campaign, "curator")
    facts = {"actor": curator, "campaign": run.campaign, "label_id": label.pk}
    label_correct(**facts, image_type="diagram", error_type="reasoning")
    label.refresh_from_db()
    assert (label.image_type, label.error_type) == ("chart_graph", "calculation")
    assert Item.objects.get().image_type == "geometric"
    assert Correction.objects.get().made_by == curator
    with pytest.raises(InvalidInput) as error:
        label_correct(**facts, image_type="diagram", error_type="bad luck")
    assert error.value.field == "error_type"
    with pytest.raises(NotAllowed):
        label_correct(**{**facts, "actor": make_member(run.campaign, "viewer")}, image_type="map", error_type="other")
