"""Keys: where they come from, and the forms in which a server may send one back."""

import base64

import pytest

from core.campaigns import endpoint_set, is_key_set
from core.errors import InvalidInput, NotConfigured
from core.keys import NO_KEY, key_env_check, key_hide, key_hide_in_answer, key_of
from core.models import Endpoint
from core.provider import client_open
from tests.factories import make_campaign

KEY = 'sk-"quoted"/and+long\\1234567890'


@pytest.fixture
def secrets(settings, tmp_path, monkeypatch):
    monkeypatch.delenv("TEACHER_KEY", raising=False)
    settings.SECRETS_ROOT = tmp_path / "secrets"
    settings.SECRETS_ROOT.mkdir()
    return settings.SECRETS_ROOT


def test_a_key_comes_from_the_environment_or_else_from_its_secret_file(secrets, monkeypatch):
    assert key_of("TEACHER_KEY") == "" and key_of("") == NO_KEY
    (secrets / "TEACHER_KEY").write_text("of-the-file\n")
    assert key_of("TEACHER_KEY") == "of-the-file"
    monkeypatch.setenv("TEACHER_KEY", "of-the-variable")
    assert key_of("TEACHER_KEY") == "of-the-variable"
    monkeypatch.setenv("TEACHER_KEY", "")
    assert key_of("TEACHER_KEY") == "of-the-file"
    row = Endpoint(campaign_id=1, role="planner", base_url="http://x/v1", model="m", key_env="TEACHER_KEY")
    assert is_key_set(row) and client_open(row).api_key == "of-the-file"


def test_secrets_as_kubernetes_mounts_them_are_links_inside_the_folder(secrets):
    (secrets / "..2026_01_01").mkdir()
    (secrets / "..2026_01_01" / "TEACHER_KEY").write_text("linked")
    (secrets / "..data").symlink_to("..2026_01_01")
    (secrets / "TEACHER_KEY").symlink_to("..data/TEACHER_KEY")
    assert key_of("TEACHER_KEY") == "linked"


def test_no_file_outside_the_folder_is_read_and_nothing_but_a_small_file(secrets, tmp_path):
    (tmp_path / "OTHER_KEY").write_text("outside")
    (secrets / "TEACHER_KEY").symlink_to(tmp_path / "OTHER_KEY")
    (secrets / "FOLDER_KEY").mkdir()
    (secrets / "LARGE_KEY").write_text("x" * 9000)
    (secrets / "ROUND_KEY").symlink_to("ROUND_KEY")
    (secrets / "BINARY_KEY").write_bytes(b"\xff\xfe")
    (secrets / "DPE_KEY").write_text("ours")
    (secrets / "LINES_KEY").write_text("two\nlines")
    for name in ("TEACHER", "FOLDER", "LARGE", "ROUND", "BINARY", "DPE", "MISSING", "LINES"):
        assert key_of(f"{name}_KEY") == "", name
    for name in ("../OTHER_KEY", "/etc/OTHER_KEY", "..", "X/../OTHER_KEY", "A\0KEY", "DPE_SECRET_KEY"):
        assert key_of(name) == "", name


@pytest.mark.parametrize("name", ["../OTHER_KEY", "/etc/X_KEY", "lower_key", "PATH", "DPE_SECRET_KEY", "DJANGO_KEY"])
def test_only_the_name_of_a_key_is_taken(name):
    with pytest.raises(InvalidInput) as caught:
        key_env_check(name)
    assert caught.value.field == "key_env"


@pytest.mark.django_db
def test_an_endpoint_never_takes_a_path_for_its_key():
    campaign = make_campaign()
    fields = {"base_url": "http://127.0.0.1:9/v1", "model": "m", "key_env": "../../X_KEY"}
    with pytest.raises(InvalidInput, match="key_env"):
        endpoint_set(actor=campaign.created_by, campaign=campaign, role="planner", fields=fields)


def test_a_missing_key_is_named_with_both_places_that_it_could_be_in(secrets):
    row = Endpoint(campaign_id=1, role="planner", base_url="http://x/v1", model="m", key_env="TEACHER_KEY")
    with pytest.raises(NotConfigured, match="Set TEACHER_KEY in the environment") as caught:
        client_open(row)
    assert str(secrets) in str(caught.value)


def test_a_key_is_hidden_in_every_form_that_a_server_may_send_it_back_in():
    sent_back = [
        KEY,
        f"Bearer {KEY}",
        'sk-\\"quoted\\"/and+long\\\\1234567890',
        base64.b64encode(KEY.encode()).decode(),
    ]
    sent_back.append("sk-%22quoted%22%2Fand%2Blong%5C1234567890")
    for text in sent_back:
        assert "1234567890" not in key_hide(text, KEY) and "(key)" in key_hide(text, KEY), text
        assert base64.b64encode(KEY.encode()).decode() not in key_hide(text, KEY)
    assert key_hide("none of it", NO_KEY) == "none of it"


def test_a_word_that_happens_to_be_a_key_stays_in_answers_and_goes_from_errors():
    assert key_hide_in_answer("a red square", "red") == "a red square"
    assert key_hide("bad key red", "red") == "bad key (key)"
