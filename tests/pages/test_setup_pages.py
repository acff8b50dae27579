"""Pages that make and change a campaign: errors stand beside their field, nothing typed is lost, rights are asked."""

import re

import pytest
import yaml
from django.core.files.uploadedfile import SimpleUploadedFile

from core.campaigns import settings_hash
from core.models import Campaign, Endpoint, Job, Membership
from core.settings_form import setting_groups
from tests.factories import make_job, make_member, make_user
from tests.pages.asking import page, part, send
from tests.pages.rows import make_checkpoint, make_full_campaign
from tests.training.campaign_files import raw_file, write_parts

FORM = {
    "way": "form",
    "do": "create",
    "name": "First",
    "slug": "first",
    "seed": "3",
    "checkpoint": "models/base",
    "benchmarks": "shapes.tsv",
    "pools": "photos",
    "base_url": "http://127.0.0.1:9/v1",
    "model": "teacher",
    "key_env": "",
    "policy": "calibrated",
    "total": "64",
    "margin": "0.03",
    "margin_signed_by": "",
    "device": "cpu",
}
HTMX = {"HX-Request": "true", "HX-Target": "form-checks"}


@pytest.fixture
def person(client, db, import_root):
    write_parts(import_root)
    person = make_user("ada")
    client.force_login(person)
    return person


def test_a_campaign_is_made_by_the_form_and_its_imports_wait(client, person):
    html = page(client, "campaign-new")
    assert 'value="models/base"' in html and 'value="shapes.tsv"' in html and 'value="photos"' in html
    answer = client.post("/campaigns/new/", FORM)
    assert answer["Location"] == "/campaigns/first/inputs/"
    assert Job.objects.count() == 3
    campaign = Campaign.objects.get(slug="first")
    assert (campaign.config.mixture.total, campaign.config.engine.device) == (64, "cpu")
    assert "3 imports wait for a worker" in page(client, "campaign-inputs", "first")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"slug": "No Slug"}, "Small letters, digits and hyphens"),
        ({"slug": "new"}, "is an address of the site"),
        ({"margin": "0.1"}, "needs a name in margin_signed_by"),
        ({"base_url": "file:///x"}, "give http(s)://host"),
        ({"model": ""}, "at least 1 character"),
        ({"checkpoint": "/etc"}, "Select a valid choice"),
        ({"seed": "-1"}, "greater than or equal to 0"),
    ],
)
def test_an_error_stands_beside_its_field_and_nothing_typed_is_lost(client, person, change, words):
    answer = client.post("/campaigns/new/", {**FORM, **change})
    html = answer.content.decode()
    assert answer.status_code == 400
    field = next(iter(change)) if "margin" not in change else "margin_signed_by"
    box = next(one for one in html.split('<div class="field">') if re.search(rf'name="{field}"', one))
    assert words in box
    assert 'value="First"' in html and 'value="64"' in html
    assert not Campaign.objects.exists()


def test_a_check_shows_every_line_and_writes_nothing(client, person):
    answer = client.post("/campaigns/new/", {**FORM, "do": "check"}, headers=HTMX)
    html = answer.content.decode()
    assert answer.status_code == 200 and "<html" not in html
    assert "is a vision-language checkpoint" in html and "Nobody listens at 127.0.0.1:9" in html
    assert "Something is in the way" in html
    assert not Campaign.objects.exists()
    bad = client.post("/campaigns/new/", {**FORM, "do": "check", "slug": "No"}, headers=HTMX)
    assert bad.status_code == 200 and b"Slug: Small letters" in bad.content
    whole = client.post("/campaigns/new/", {**FORM, "do": "check"})
    assert b"is a vision-language checkpoint" in whole.content and b"<html" in whole.content


@pytest.mark.parametrize("is_upload", [True, False])
def test_a_campaign_is_made_from_a_file_that_is_pasted_or_uploaded(client, person, is_upload):
    text = yaml.safe_dump(raw_file())
    sent = {"upload": SimpleUploadedFile("campaign.yaml", text.encode())} if is_upload else {"text": text}
    answer = client.post("/campaigns/new/", {"way": "yaml", "do": "create", **sent})
    assert answer["Location"] == "/campaigns/first/inputs/"
    assert Endpoint.objects.count() == 7


def test_a_bad_file_is_named_by_its_place_and_stays_in_the_form(client, person):
    for text, words in (("slug: a\nslug: b", "line 2, column 1"), ("slug: a", "name: Field required"), ("", "paste")):
        answer = client.post("/campaigns/new/", {"way": "yaml", "do": "create", "text": text})
        assert answer.status_code == 400
        html = answer.content.decode()
        assert words in html and text.replace("\n", "\r\n")[:7] in html


def test_another_campaign_under_the_slug_is_said_in_the_form(client, person):
    client.post("/campaigns/new/", FORM)
    answer = client.post("/campaigns/new/", {**FORM, "seed": "4"})
    assert answer.status_code == 400 and b"with other settings exists" in answer.content


def test_without_anything_to_import_the_page_says_where_to_put_it(client, db):
    client.force_login(make_user())
    html = page(client, "campaign-new")
    assert "no checkpoint, benchmark, pool" in html
    assert "DPE_IMPORT_ROOTS" in html


def test_settings_are_saved_by_an_admin_only_and_a_stale_form_is_refused(admin, as_role, campaign):
    seen = settings_hash(campaign)
    assert 'name="gate.margin"' in page(admin, "campaign-settings", campaign.slug)
    assert send(as_role("approver"), "campaign-settings", campaign.slug, seen=seen, **{"gate.margin": "0.02"}) == 403
    assert (
        send(admin, "campaign-settings", campaign.slug, seen=seen, **{"gate.margin": "0.02", "grpo.delta": ""}) == 302
    )
    campaign.refresh_from_db()
    assert (campaign.config.gate.margin, campaign.config.grpo.delta) == (0.02, None)
    assert send(admin, "campaign-settings", campaign.slug, seen=seen, **{"gate.margin": "0.01"}) == 409


def test_every_bad_setting_is_named_beside_its_field_and_what_was_typed_stays(admin, campaign):
    form = {"seen": settings_hash(campaign), "diagnosis.tau": "much", "mixture.total": "0", "gate.items_a_suite": "77"}
    answer = admin.post(f"/campaigns/{campaign.slug}/settings/", form)
    html = answer.content.decode()
    assert answer.status_code == 400 and "2 settings cannot be taken" in html
    assert 'value="much"' in html and 'value="77"' in html
    assert html.count('aria-invalid="true"') == 2
    campaign.refresh_from_db()
    assert campaign.config.gate.items_a_suite == 200


def test_who_may_not_change_settings_reads_them(as_role, campaign):
    html = page(as_role("viewer"), "campaign-settings", campaign.slug)
    assert "<output" in html and "Save settings" not in html and "Add a person" not in html
    assert page(as_role("stranger"), "campaign-settings", campaign.slug, status=403)


def test_members_are_added_and_removed_and_the_last_admin_stays(admin, as_role, campaign):
    bob = make_user("bob")
    assert send(admin, "member-set", campaign.slug, user="bob", role="curator") == 302
    assert Membership.objects.get(campaign=campaign, user=bob).role == "curator"
    assert (
        b"nobody signs in here"
        in admin.post(f"/campaigns/{campaign.slug}/members/set", {"user": "x", "role": "viewer"}).content
    )
    assert send(as_role("viewer"), "member-remove", campaign.slug, user="bob") == 403
    assert send(admin, "member-remove", campaign.slug, user="bob") == 302
    assert send(admin, "member-remove", campaign.slug, user=campaign.created_by.username) == 409
    assert not Membership.objects.filter(user=bob).exists()


def test_the_campaign_is_downloaded_as_a_file_that_makes_it_again(client, person):
    client.post("/campaigns/new/", FORM)
    answer = client.get("/campaigns/first/campaign.yaml")
    assert answer["Content-Disposition"] == 'attachment; filename="first.yaml"'
    again = client.post("/campaigns/new/", {"way": "yaml", "do": "create", "text": answer.content.decode()})
    assert again["Location"] == "/campaigns/first/inputs/"
    client.force_login(make_member(Campaign.objects.get(slug="first"), "approver"))
    assert client.get("/campaigns/first/campaign.yaml").status_code == 403


def test_endpoints_are_shown_with_what_their_test_found_and_never_a_key(admin, campaign, monkeypatch):
    monkeypatch.setenv("TEACHER_KEY", "very-secret")
    monkeypatch.delenv("OTHER_KEY", raising=False)
    campaign.endpoints.filter(role="planner").update(key_env="TEACHER_KEY")
    campaign.endpoints.filter(role="validator").update(key_env="OTHER_KEY")
    html = page(admin, "endpoint-list", campaign.slug)
    assert "TEACHER_KEY" in html and "not set" in html and "not tested yet" in html
    assert "very-secret" not in html


def test_the_test_button_swaps_the_row_and_says_what_to_change(admin, as_role, campaign):
    endpoint = campaign.endpoints.get(role="planner")
    Endpoint.objects.filter(pk=endpoint.pk).update(base_url="http://127.0.0.1:9/v1")
    url = f"/campaigns/{campaign.slug}/endpoints/{endpoint.pk}/test"
    answer = admin.post(url, headers={"HX-Request": "true", "HX-Target": f"endpoint-{endpoint.pk}"})
    html = answer.content.decode()
    assert html.strip().startswith(f'<tr id="endpoint-{endpoint.pk}"')
    assert "Nobody listens at 127.0.0.1:9" in html
    assert admin.post(url)["Location"] == f"/campaigns/{campaign.slug}/endpoints/"
    assert as_role("viewer").post(url).status_code == 403
    other = make_full_campaign().endpoints.first()
    assert admin.post(f"/campaigns/{campaign.slug}/endpoints/{other.pk}/test").status_code == 404


def test_an_endpoint_is_set_for_several_roles_by_an_admin(admin, as_role, campaign):
    form = {"base_url": "https://x.example/v1", "model": "m", "key_env": "X_KEY", "concurrency": "4", "timeout_s": "30"}
    form |= {"roles": ["planner", "searcher"], "price_in": "1.5", "price_out": "2", "price_image": "0"}
    url = f"/campaigns/{campaign.slug}/endpoints/"
    assert as_role("researcher").post(url, form).status_code == 403
    assert admin.post(url, form).status_code == 302
    assert set(campaign.endpoints.filter(model="m").values_list("role", flat=True)) == {"planner", "searcher"}
    bad = admin.post(url, {**form, "base_url": "ftp://x", "key_env": "PATH"})
    assert bad.status_code == 400 and b"ends in KEY or TOKEN" in bad.content
    bad = admin.post(url, {**form, "base_url": "ftp://x"})
    assert b"give http(s)" in bad.content and b'value="ftp://x"' in bad.content
    assert 'value="https://x.example/v1"' in page(admin, "endpoint-list", campaign.slug, query="?role=planner")


def test_inputs_are_imported_by_who_may_and_followed_while_they_run(client, person, import_root):
    client.post("/campaigns/new/", FORM)
    Job.objects.update(status="succeeded")
    html = page(client, "campaign-inputs", "first")
    assert "hx-get" not in html
    answer = client.post("/campaigns/first/inputs/", {"kind": "benchmark", "path": "shapes.tsv", "name": ""})
    assert answer.status_code == 302
    assert Job.objects.get(status="waiting").spec["name"] == "shapes"
    assert "every 2s" in part(client, "inputs", "campaign-inputs", "first")
    bad = client.post("/campaigns/first/inputs/", {"kind": "pool", "path": "../x", "name": "p"})
    assert bad.status_code == 400 and b"outside the import folders" in bad.content and b'value="../x"' in bad.content
    client.force_login(make_member(Campaign.objects.get(slug="first"), "viewer"))
    assert client.post("/campaigns/first/inputs/", {"kind": "pool", "path": "photos"}).status_code == 403
    assert "Import more" not in page(client, "campaign-inputs", "first")


def test_a_list_of_files_stops_at_its_limits_and_follows_no_link(client, person, import_root, tmp_path):
    (import_root / "a" / "b" / "c").mkdir(parents=True)
    (import_root / "a" / "b" / "deep.tsv").touch()
    (import_root / "a" / "b" / "c" / "deeper.tsv").touch()
    (import_root / ".hidden.tsv").touch()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.tsv").touch()
    (import_root / "link").symlink_to(tmp_path / "outside")
    html = page(client, "campaign-new")
    assert "a/b/deep.tsv" in html
    assert not any(name in html for name in ("deeper.tsv", "hidden.tsv", "secret.tsv"))
    for number in range(501):
        (import_root / f"{number}.tsv").touch()
    assert "more than can be listed" in page(client, "campaign-new")


@pytest.mark.parametrize("name", ["campaign-settings", "endpoint-list", "campaign-inputs"])
def test_a_page_costs_the_same_queries_whatever_the_number_of_rows(
    admin, campaign, name, django_assert_max_num_queries
):
    with django_assert_max_num_queries(15) as few:
        page(admin, name, campaign.slug)
    for number in range(8):
        make_member(campaign, "viewer")
        make_checkpoint(campaign, f"more {number}")
        Endpoint.objects.create(campaign=campaign, role=f"role{number}", base_url="http://x/v1", model="m")
        make_job(campaign=campaign, kind="pool_import", spec={"name": str(number), "path": "x"})
    with django_assert_max_num_queries(15) as many:
        page(admin, name, campaign.slug)
    assert len(few) == len(many)


@pytest.mark.parametrize("group", ["diagnosis", "mixture", "generation", "images", "gate", "engine"])
def test_every_setting_of_the_studio_itself_says_what_it_is(campaign, group):
    fields = next(one for one in setting_groups(campaign.config) if one.name == group).fields
    assert [field.name for field in fields if not field.help] == []
