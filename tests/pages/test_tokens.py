"""One's own API tokens: shown once, listed by their first letters, revoked."""

import re

from knox.models import AuthToken

from core.models import AuditEvent
from tests.factories import make_user
from tests.pages.asking import page, send


def test_a_new_token_is_shown_once_and_opens_the_api(client, db):
    client.force_login(make_user("ada"))
    answer = client.post("/tokens/", {"days": "30"})
    assert "no-store" in answer["Cache-Control"]
    secret = re.search(r'id="secret">([^<]+)<', answer.content.decode())[1]
    assert secret not in page(client, "token-list")
    client.logout()
    allowed = client.get("/api/v1/campaigns", headers={"Authorization": f"Token {secret}"})
    assert allowed.status_code == 200
    assert AuthToken.objects.get().expiry is not None


def test_a_revoked_token_opens_nothing_and_nobody_else_can_revoke_it(client, db):
    ada, eve = make_user("ada"), make_user("eve")
    token, secret = AuthToken.objects.create(user=ada, expiry=None)
    client.force_login(eve)
    assert send(client, "token-end", token.token_key) == 404
    client.force_login(ada)
    assert send(client, "token-end", token.token_key) == 302
    client.logout()
    assert client.get("/api/v1/campaigns", headers={"Authorization": f"Token {secret}"}).status_code == 401
    assert AuditEvent.objects.get(action="token.revoked").actor == ada


def test_a_token_by_rest_ends_after_its_days_and_a_bad_number_is_named(client, db):
    client.force_login(make_user("ada"))
    made = client.post("/api/v1/tokens", {"days": 7}, content_type="application/json")
    assert made.status_code == 201 and made.json()["secret"].startswith(made.json()["key"])
    assert [row["key"] for row in client.get("/api/v1/tokens").json()["data"]] == [made.json()["key"]]
    bad = client.post("/api/v1/tokens", {"days": 4000}, content_type="application/json")
    assert (bad.status_code, bad.json()["field"]) == (400, "days")
    assert client.post("/tokens/", {"days": "soon"}).status_code == 400
