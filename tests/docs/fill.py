"""What the commands of the documentation find: the demo's campaign, waiting for approval, and a token for its maker."""

import json
import os


def main() -> None:
    import django

    os.environ["DJANGO_SETTINGS_MODULE"] = "dpe_site.settings"
    django.setup()
    from knox.models import AuthToken

    from core.models import Campaign
    from tests.factories import make_user
    from tests.pages.rows import end_round, make_full_campaign, make_round

    campaign = make_full_campaign(actor=make_user("demo", is_staff=True))
    Campaign.objects.filter(pk=campaign.pk).update(slug="mini-world", name="Mini world")
    campaign.refresh_from_db()
    end_round(make_round(campaign, "decide"), "promoted")
    make_round(campaign, "approve")
    print(json.dumps({"token": AuthToken.objects.create(user=campaign.created_by)[1]}))


if __name__ == "__main__":
    main()
