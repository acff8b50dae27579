"""Signing in by password and by a link that works once; what everybody may see."""

from django.urls import reverse
from sesame.utils import get_query_string

from tests.factories import make_user


def test_health_needs_no_sign_in_and_no_database(client):
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"ok": True})


def test_a_password_signs_in_and_leads_back_to_the_wanted_page(client, db):
    person = make_user("ada")
    person.set_password("correct horse")
    person.save()
    answer = client.get("/jobs/")
    assert answer["Location"] == "/login/?next=/jobs/"
    answer = client.post(answer["Location"], {"username": "ada", "password": "correct horse", "next": "/jobs/"})
    assert answer["Location"] == "/jobs/"


def test_a_wrong_password_is_said_calmly(client, db):
    answer = client.post("/login/", {"username": "nobody", "password": "x"})
    assert answer.status_code == 200
    assert b'role="alert"' in answer.content


def test_a_login_link_works_exactly_once(client, db):
    link = reverse("login-link") + get_query_string(make_user())
    assert client.get(link)["Location"] == "/"
    assert client.get("/").status_code == 200
    client.logout()
    again = client.get(link)
    assert again.status_code == 403
    assert b"works once" in again.content


def test_a_live_region_without_a_session_makes_the_page_ask_to_sign_in(client, db):
    answer = client.get("/jobs/", headers={"HX-Request": "true"}, follow=True)
    assert answer.headers["HX-Refresh"] == "true"
    assert answer.content == b""


def test_signing_out_needs_a_post(client, db):
    client.force_login(make_user())
    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/")["Location"] == "/login/"


def test_the_password_is_changed_and_the_page_says_so(client, db):
    person = make_user("ada")
    person.set_password("correct horse")
    person.save()
    client.login(username="ada", password="correct horse")
    form = {"old_password": "correct horse", "new_password1": "battery staple 7", "new_password2": "battery staple 7"}
    bad = client.post("/password/", {**form, "new_password2": "other"})
    assert bad.status_code == 200 and b'role="alert"' in bad.content
    answer = client.post("/password/", form, follow=True)
    assert b"Your password is changed" in answer.content
    assert client.login(username="ada", password="battery staple 7")


def test_who_is_signed_out_comes_back_to_where_they_were_with_the_query(client, db):
    person = make_user("ada")
    person.set_password("correct horse")
    person.save()
    answer = client.get("/jobs/?show=failures")
    html = client.get(answer["Location"]).content.decode()
    assert 'name="next" value="/jobs/?show=failures"' in html
    answer = client.post("/login/", {"username": "ada", "password": "correct horse", "next": "/jobs/?show=failures"})
    assert answer["Location"] == "/jobs/?show=failures"
    away = client.post("/login/", {"username": "ada", "password": "correct horse", "next": "https://evil.example/"})
    assert away["Location"] == "/"
