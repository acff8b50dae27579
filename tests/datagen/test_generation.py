"""Waves of samples: what each slot gets, what becomes of bad replies, which decisions are shared."""

import pytest

from core.errors import NotAllowed, NotConfigured, UpstreamRefused
from core.models import Endpoint, ModelCall
from datagen.handlers import generate_job, quality_job
from datagen.models import PoolImage, Sample, Slot
from datagen.services.generation import samples_generate, wave_of
from datagen.tries import benchmark_pictures, slots_open
from tests.datagen.fake_world import SKILLS, make_server, make_world, run
from tests.datagen.rows import make_benchmark_item, make_context_for, make_pool, png
from tests.factories import make_context, make_job, make_member, make_user
from tests.fake_endpoint import served

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_patience(monkeypatch):
    monkeypatch.setattr("django.conf.settings.CALL_PATIENCE_S", 0)


@pytest.fixture
def server():
    """Agents that never err: what a test changes is all that goes wrong."""
    endpoint = make_server()
    endpoint.replies |= {
        "Plan": lambda asked: {"question_type": "number", "plan": "p", "queries": ["a", "b"], "edit_goal": ""},
        "WrittenQuestion": question("7"),
        "Validation": lambda asked: {"valid": True, "reason": ""},
        "Solve": lambda asked: {"answer": "7"},
    }
    with served(endpoint):
        yield endpoint


def question(answer: str, **fields):
    return lambda asked: {"question": "How many?", "options": [], "answer": answer, "answer_type": "number", **fields}


def made(mixture) -> set[tuple[str, str]]:
    return set(Sample.objects.filter(slot__mixture=mixture).values_list("status", "reason"))


def test_a_good_reply_is_a_written_sample_with_its_plan_and_picture(server):
    mixture = make_world(server, total=6)
    assert run(mixture, generate_job, take=1) == {"written": 6, "rejected": 0}
    sample = Sample.objects.select_related("slot").first()
    assert (sample.status, sample.question, sample.answer, sample.answer_type) == (
        "written",
        "How many?",
        "7",
        "number",
    )
    assert sample.evidence["plan"] == "p" and len(sample.text_key) == 64
    image_type = PoolImage.objects.get(media=sample.media_id).image_type
    assert image_type == sample.slot.image_type == SKILLS[sample.slot.skill][2]


def test_a_slot_that_has_its_sample_is_not_asked_about_again_even_without_a_ledger(server):
    mixture = make_world(server, total=6)
    run(mixture, generate_job, take=1)
    ModelCall.objects.all().delete()
    Sample.objects.order_by("slot__index").first().delete()
    server.seen.clear()
    run(mixture, generate_job, take=1)
    assert [asked.schema for asked in server.seen] == ["Plan", "WrittenQuestion", "Validation"]


def test_calls_are_named_by_content_and_never_by_a_primary_key(server):
    mixture = make_world(server, total=6)
    run(mixture, generate_job, take=1)
    subjects = set(ModelCall.objects.values_list("subject", flat=True))
    assert subjects == {f"{mixture.manifest_hash[:12]}/s{i}/t0" for i in range(6)}


def test_calls_and_searches_know_their_mixture_skill_and_round(server):
    mixture = make_world(server, total=6)
    run(mixture, generate_job, take=1, round_number=3)
    skills = dict(mixture.slots.values_list("index", "skill"))
    calls = list(ModelCall.objects.all())
    assert {call.tool for call in calls} == {"", "image_search"}
    assert {(call.scope, call.round_number) for call in calls} == {(f"mixture:{mixture.pk}", 3)}
    assert all(call.skill == skills[int(call.subject.split("/")[1][1:])] for call in calls)


@pytest.mark.parametrize("schema", ["Plan", "WrittenQuestion", "Validation"])
def test_a_malformed_reply_is_asked_for_once_more(server, schema):
    good = server.replies[schema]
    server.replies[schema] = lambda asked: good(asked) if "did not fit" in asked.text else "oops"
    mixture = make_world(server, total=3)
    assert run(mixture, generate_job, take=1) == {"written": 3, "rejected": 0}
    assert len(server.asked(schema)) == 6


@pytest.mark.parametrize("schema", ["Plan", "WrittenQuestion", "Validation"])
def test_malformed_twice_is_a_rejected_sample_not_an_error(server, schema):
    server.replies[schema] = lambda asked: "oops"
    mixture = make_world(server, total=3)
    assert run(mixture, generate_job, take=1) == {"written": 0, "rejected": 3}
    assert made(mixture) == {("rejected", "malformed")}
    assert len(server.asked(schema)) == 6


def test_an_answer_that_does_not_fit_its_type_costs_no_validation(server):
    server.replies["WrittenQuestion"] = question("many")
    mixture = make_world(server, total=3)
    run(mixture, generate_job, take=1)
    assert made(mixture) == {("rejected", "bad_answer")} and server.asked("Validation") == []
    assert Sample.objects.first().evidence["detail"] == "not_a_number"


def test_slots_without_a_picture_left_are_rejected_before_anything_is_paid(server):
    mixture = make_world(server, total=6)
    PoolImage.objects.exclude(image_type="diagram").delete()
    run(mixture, generate_job, take=1)
    assert made(mixture) == {("rejected", "no_usable_image"), ("written", "")}
    skills = set(Sample.objects.filter(status="written").values_list("slot__skill", flat=True))
    assert skills == {"count"} and len(server.asked("Plan")) == Sample.objects.filter(status="written").count()
    run(mixture, generate_job, take=1)
    assert Sample.objects.count() == 6


def test_a_pool_that_is_still_coming_in_is_not_drawn_from(server):
    mixture = make_world(server, total=6)
    mixture.campaign.pools.update(num_images=0)
    run(mixture, generate_job, take=1)
    assert made(mixture) == {("rejected", "no_usable_image")}


def test_pictures_of_benchmarks_are_never_drawn(server):
    mixture = make_world(server, total=6)
    banned = {make_benchmark_item(mixture.campaign, png(i)).images[0] for i in range(9)}
    assert benchmark_pictures(mixture.campaign) == banned
    run(mixture, generate_job, take=1)
    drawn = set(Sample.objects.values_list("media_id", flat=True))
    assert not drawn & banned and Sample.objects.filter(slot__skill="clock", status="written").exists()


def test_a_benchmark_that_came_later_rejects_what_shows_its_pictures(server):
    mixture = make_world(server, total=6)
    run(mixture, generate_job, take=1)
    shown = Sample.objects.order_by("slot__index").first()
    number = next(i for i in range(3000) if make_sha(i) == shown.media_id)
    make_benchmark_item(mixture.campaign, png(number))
    assert run(mixture, quality_job, take=1) == {"checked": 5, "rejected": 1, "held": 0}
    shown.refresh_from_db()
    assert (shown.status, shown.reason) == ("rejected", "contaminated")
    assert len(server.asked("Solve")) == 5


def make_sha(number: int) -> str:
    from core.domain.files import hash_bytes

    return hash_bytes(png(number))


def test_the_same_question_about_the_same_picture_is_a_duplicate_in_slot_order(server):
    mixture = make_world(server, total=6)
    run(mixture, generate_job, take=1)
    first, second, third = Sample.objects.order_by("slot__index")[:3]
    Sample.objects.filter(pk__in=[second.pk, third.pk]).update(media_id=first.media_id)
    Sample.objects.filter(pk=second.pk).update(question="  HOW many ??")
    Sample.objects.filter(pk=third.pk).update(question="How few?")
    for _ in range(2):
        assert run(mixture, quality_job, take=1) == {"checked": 5, "rejected": 1, "held": 0}
    assert Sample.objects.get(reason="duplicate").pk == second.pk


def test_what_an_earlier_wave_or_round_asked_is_a_duplicate_too(server):
    mixture = make_world(server, total=6)
    run(mixture, generate_job, take=1)
    old = Sample.objects.order_by("slot__index").first()
    slot = Slot.objects.exclude(pk=old.slot_id).order_by("index").first()
    Sample.objects.filter(pk=old.pk).update(status="rejected", reason="too_easy")
    Slot.objects.filter(pk=old.slot_id).update(num_tries=1)
    Sample.objects.filter(slot=slot).update(media_id=old.media_id)
    run(mixture, quality_job, take=1)
    assert Sample.objects.get(slot=slot).reason == "duplicate"


@pytest.mark.parametrize(
    ("solves", "status", "reason", "confirmed"),
    [
        (["7", "7", "8"], "checked", "", True),
        (["8", "8", "9"], "rejected", "gold_suspect", False),
        (["7", "8", "9"], "held", "solvers_split", False),
        (["7.0", "seven", ""], "checked", "", True),
        (["", "", ""], "held", "solvers_split", False),
    ],
)
def test_blind_solvers_confirm_suspect_or_split(server, solves, status, reason, confirmed):
    left = []
    server.replies["Solve"] = lambda asked: {"answer": left.pop(0)}
    mixture = make_world(server, total=1)
    run(mixture, generate_job, take=1)
    left += solves
    run(mixture, quality_job, take=1)
    sample = Sample.objects.get()
    assert (sample.status, sample.reason, sample.is_gold_confirmed) == (status, reason, confirmed)
    assert sample.evidence["blind_solves"] == [solve or None for solve in solves]


def test_one_question_that_an_endpoint_refuses_is_a_rejected_sample(server):
    real, refused = server.handle, []

    async def handle(request):
        from aiohttp import web

        text = (await request.json())["messages"][1]["content"][-1]["text"]
        if '"skill": "sum"' in text and '"plan"' in text:
            refused.append(text)
            return web.json_response({"error": {"message": "content filter"}}, status=400)
        return await real(request)

    server.handle = handle
    with served(server):
        mixture = make_world(server, total=9, generation={"concurrency": 1, "max_attempts": 1})
        run(mixture, generate_job, take=1)
    assert refused and made(mixture) == {("written", ""), ("rejected", "endpoint_refused")}
    assert set(Sample.objects.filter(status="rejected").values_list("slot__skill", flat=True)) == {"sum"}


@pytest.mark.parametrize("status", [400, 401])
def test_an_endpoint_that_refuses_everything_fails_the_job(server, status):
    server.down_after, server.down_status = 0, status
    with pytest.raises(UpstreamRefused):
        run(make_world(server, total=3), generate_job, take=1)
    assert not Sample.objects.exists()


@pytest.mark.parametrize("role", ["planner", "validator"])
def test_a_missing_endpoint_is_named_before_anything_is_paid(server, role):
    mixture = make_world(server, total=3)
    Endpoint.objects.filter(role=role).delete()
    with pytest.raises(NotConfigured, match=role):
        run(mixture, generate_job, take=1)
    assert server.seen == []


def test_a_sample_survives_that_says_what_postgresql_cannot_store(server):
    server.replies["WrittenQuestion"] = lambda asked: (
        '{"question": "a\\u0000b?", "options": [], "answer": "7", "answer_type": "number"}'
    )
    server.replies["Validation"] = lambda asked: '{"valid": false, "reason": "other: \\u0000"}'
    mixture = make_world(server, total=1)
    run(mixture, generate_job, take=1)
    assert Sample.objects.get().question == "a\ufffdb?"


def test_only_researchers_may_spend_money(server):
    mixture = make_world(server, total=3)
    for person in (make_user(), make_member(mixture.campaign, "curator")):
        job = make_job(campaign=mixture.campaign)
        type(job).objects.filter(pk=job.pk).update(actor=person)
        with pytest.raises(NotAllowed):
            samples_generate(make_context(job), mixture)


def test_the_barrier_asks_the_database_a_few_times_whatever_the_number_of_slots(server, django_assert_max_num_queries):
    mixture = make_world(server, total=30)
    make_pool(mixture.campaign, {"diagram": range(9000, 9020)}, name="more")
    context = make_context_for(mixture.campaign)
    with django_assert_max_num_queries(8):
        assert len(wave_of(context, mixture, slots_open(mixture)).errands) == 30
