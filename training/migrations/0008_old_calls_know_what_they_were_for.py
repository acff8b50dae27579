"""Calls made before they knew it learn their mixture, skill and round where their subject and job leave no doubt."""

from collections import defaultdict

from django.db import migrations

CHUNK = 500


def fill(apps, schema_editor):
    """A subject is ``<mixture's hash>/s<slot>/t<try>``; mixtures with the same hash share theirs, and have no scope."""
    Call, Mixture = apps.get_model("core", "ModelCall"), apps.get_model("datagen", "Mixture")
    Slot, Stage = apps.get_model("datagen", "Slot"), apps.get_model("training", "RoundStage")
    scopes, skills = defaultdict(set), defaultdict(set)
    for pk, campaign, name in Mixture.objects.values_list("pk", "campaign_id", "manifest_hash").iterator():
        scopes[campaign, name[:12]].add(f"mixture:{pk}")
    slots = Slot.objects.values_list("mixture__campaign_id", "mixture__manifest_hash", "index", "skill")
    for campaign, name, index, skill in slots.iterator():
        skills[campaign, name[:12], f"s{index}"].add(skill)
    rounds = dict(Stage.objects.exclude(job=None).values_list("job_id", "round__number"))
    found = defaultdict(list)
    old = Call.objects.filter(scope="", skill="", round_number=None)
    for pk, campaign, subject, job in old.values_list("pk", "campaign_id", "subject", "job_id").iterator():
        name, _, rest = subject.partition("/")
        scope, skill = scopes.get((campaign, name), ()), skills.get((campaign, name, rest.partition("/")[0]), ())
        found[sure(scope), sure(skill), rounds.get(job)].append(pk)
    for (scope, skill, number), pks in found.items():
        for start in range(0, len(pks), CHUNK):
            chosen = Call.objects.filter(pk__in=pks[start : start + CHUNK])
            chosen.update(scope=scope, skill=skill, round_number=number)


def sure(words):
    """The only word there is, or none."""
    return next(iter(words)) if len(words) == 1 else ""


class Migration(migrations.Migration):

    dependencies = [
        ("core", "0007_calls_know_what_they_are_for"),
        ("datagen", "0005_edited_rows_keep_the_proposal"),
        ("training", "0007_care_for_checkpoints"),
    ]

    # Backwards nothing is to do: the columns go, with all that is in them.
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
