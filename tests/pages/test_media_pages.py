"""Pictures are for members of a campaign that uses them, and for nobody between."""

from core.media import thumbnail_path
from tests.pages.rows import make_picture


def test_a_member_gets_the_very_bytes_with_safe_headers(as_role, campaign, settings):
    sha256 = make_picture(campaign, 1)
    answer = as_role("viewer").get(f"/media/{sha256}")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "image/png"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cache-Control"] == "private, max-age=31536000, immutable"
    assert answer.content == (settings.MEDIA_ROOT / sha256[:2] / sha256).read_bytes()


def test_the_thumbnail_is_small_and_as_private(as_role, campaign):
    answer = as_role("viewer").get(f"/media/{make_picture(campaign, 1)}/thumbnail")
    assert answer["Content-Type"] == "image/jpeg"
    assert answer["Cache-Control"].startswith("private")
    assert len(answer.content) < 20_000


def test_a_picture_whose_thumbnail_is_gone_shows_itself(as_role, campaign):
    sha256 = make_picture(campaign, 1)
    thumbnail_path(sha256).unlink()
    assert as_role("viewer").get(f"/media/{sha256}/thumbnail")["Content-Type"] == "image/png"


def test_a_stranger_does_not_learn_that_a_picture_exists(as_role, campaign):
    sha256, stranger = make_picture(campaign, 1), as_role("stranger")
    known, unknown = stranger.get(f"/media/{sha256}"), stranger.get(f"/media/{'0' * 64}")
    assert known.status_code == unknown.status_code == 404
    assert stranger.get(f"/media/{sha256}/thumbnail").status_code == 404


def test_who_is_not_signed_in_is_asked_to(client, campaign):
    answer = client.get(f"/media/{make_picture(campaign, 1)}")
    assert answer.status_code == 302
    assert answer["Location"].startswith("/login/")


def test_a_name_that_is_no_hash_finds_no_file(as_role, campaign):
    assert as_role("viewer").get("/media/..%2f..%2fsecret_key").status_code == 404
