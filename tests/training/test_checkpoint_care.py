"""The registry: who made what, what retention removes after a dry run, pins, downloads."""

import io
import tarfile
from pathlib import Path

import pytest
from django.utils import timezone

from core.domain.files import hash_checkpoint
from core.errors import InvalidInput, NotAllowed, WrongState
from core.models import AuditEvent, Campaign
from core.specs import RESULT_FILE
from diagnostics.models import AnswerRun, Checkpoint
from diagnostics.services.checkpoints import checkpoint_register
from tests.factories import make_campaign, make_member
from tests.training.rows import make_checkpoint, make_folder
from training.checkpoint_page import checkpoint_context, checkpoint_download, entry_of, tar_pieces
from training.domain.retention import RetentionChoice
from training.models import Round, TrainingRun
from training.selectors.checkpoints import lineage, registry
from training.services import checkpoint_care
from training.services.checkpoint_care import checkpoint_pin, retention_apply, retention_plan

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign() -> Campaign:
    return make_campaign()


@pytest.fixture
def base(campaign, tmp_path) -> Checkpoint:
    """Brought in: it lies outside of RUNS_ROOT."""
    return make_checkpoint(campaign, make_folder(tmp_path / "base"), name="base")


@pytest.fixture
def children(campaign, base, settings) -> list[Checkpoint]:
    """Five that runs made, each from the one before."""
    found = [base]
    for number in range(5):
        run = Path(settings.RUNS_ROOT) / f"run-{number}"
        folder = make_folder(run / "final", f"w{number}".encode())
        (run / RESULT_FILE).write_text("{}")
        (run / "log.txt").write_text("kept")
        found.append(make_checkpoint(campaign, folder, name=f"child-{number}", parent=found[-1]))
    return found[1:]


def apply(campaign, keep: int = 2):
    choice = RetentionChoice(keep)
    seen = retention_plan(campaign, choice).seen
    return retention_apply(actor=campaign.created_by, campaign=campaign, choice=choice, seen=seen)


def names(entries) -> list[str]:
    return [entry.checkpoint.name for entry in entries]


def test_the_dry_run_touches_nothing_and_removing_does_what_it_said(
    campaign, base, children, django_capture_on_commit_callbacks
):
    plan = retention_plan(campaign, RetentionChoice(2))
    assert names(plan.going) == ["child-2", "child-1", "child-0"] and plan.num_bytes == 300
    assert all(Path(row.path).is_dir() for row in children)
    with django_capture_on_commit_callbacks(execute=True):
        apply(campaign)
    assert [Path(row.path).is_dir() for row in (base, *children)] == [True, False, False, False, True, True]
    gone = Path(children[0].path).parent
    assert not (gone / RESULT_FILE).exists() and (gone / "log.txt").exists()
    entry = registry(campaign)[children[0].pk]
    assert (entry.status, entry.checkpoint.is_elsewhere) == ("removed", True)
    assert AuditEvent.objects.filter(action="checkpoint.files_removed").count() == 3
    assert names(retention_plan(campaign, RetentionChoice(2)).going) == []


def test_what_an_open_round_a_run_or_an_answer_run_needs_never_goes(campaign, base, children):
    start = {"campaign": campaign, "started_by": campaign.created_by}
    Round.objects.create(number=1, parent=children[0], **start)
    ended = {"ended_at": timezone.now(), "decision": "promoted"}
    Round.objects.create(number=2, parent=base, child=children[1], **start, **ended)
    AnswerRun.objects.create(campaign=campaign, checkpoint=children[2], split="gate", label="half")
    checkpoint_pin(actor=campaign.created_by, checkpoint=children[3], is_pinned=True)
    reasons = {entry.checkpoint.name: reason for entry, reason in retention_plan(campaign, RetentionChoice(1)).kept}
    assert retention_plan(campaign, RetentionChoice(1)).going == []
    assert reasons["child-0"] == "round 1 is open"
    assert reasons["child-1"] == "was promoted"
    assert reasons["child-2"].endswith("is not complete")
    assert reasons["child-3"] == "is pinned"
    assert "not ours" in reasons["base"]
    checkpoint_pin(actor=campaign.created_by, checkpoint=children[3], is_pinned=False)
    assert names(retention_plan(campaign, RetentionChoice(1)).going) == ["child-3"]


def test_a_run_that_is_not_done_keeps_its_parent(campaign, base, children):
    from tests.training.rows import make_dataset, make_mixture, make_report, make_run

    dataset = make_dataset(
        make_mixture(campaign, make_report(campaign, make_run(campaign, base, [], is_complete=True)))
    )
    TrainingRun.objects.create(campaign=campaign, dataset=dataset, parent=children[0], seed=1)
    assert names(retention_plan(campaign, RetentionChoice(2)).going) == ["child-2", "child-1"]


def test_files_that_another_campaign_uses_stay(campaign, children):
    Checkpoint.objects.create(campaign=make_campaign(), name="same", path=children[0].path, content_hash="f" * 64)
    assert names(retention_plan(campaign, RetentionChoice(2)).going) == ["child-2", "child-1"]


def test_a_plan_that_changed_since_it_was_seen_removes_nothing(campaign, children):
    plan = retention_plan(campaign, RetentionChoice(2))
    checkpoint_pin(actor=campaign.created_by, checkpoint=children[0], is_pinned=True)
    with pytest.raises(WrongState, match="changed since you looked"):
        retention_apply(actor=campaign.created_by, campaign=campaign, choice=RetentionChoice(2), seen=plan.seen)
    assert all(Path(row.path).is_dir() for row in children)


def test_a_kill_between_row_and_files_is_made_good_by_the_next_removal(
    campaign, children, django_capture_on_commit_callbacks
):
    apply(campaign)
    assert Path(children[0].path).is_dir(), "nothing went: the process was killed before"
    with django_capture_on_commit_callbacks(execute=True):
        apply(campaign)
    assert not Path(children[0].path).exists()


def test_only_final_folders_of_runs_are_ever_removed(campaign, base, settings, tmp_path):
    for path in (Path(base.path), Path(settings.RUNS_ROOT), Path(settings.RUNS_ROOT) / ".." / "final"):
        path.mkdir(parents=True, exist_ok=True)
        Checkpoint.objects.filter(pk=base.pk).update(path="")
        checkpoint_care.folder_remove(path)
        assert path.is_dir()


def test_a_checkpoint_that_is_trained_again_has_its_files_again(
    campaign, base, children, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        apply(campaign)
    folder = make_folder(Path(children[0].path), b"w0")
    again = checkpoint_register(actor=campaign.created_by, campaign=campaign, name="x", path=folder, parent=base)
    assert (again.pk, again.path) == (children[0].pk, str(folder))
    assert registry(campaign)[again.pk].status == "here"
    checkpoint_care.final_folders_remove(campaign)
    assert folder.is_dir()


def test_removing_is_for_admins_and_pinning_for_researchers(campaign, children):
    researcher, viewer = make_member(campaign, "researcher"), make_member(campaign, "viewer")
    with pytest.raises(NotAllowed):
        retention_apply(actor=researcher, campaign=campaign, choice=RetentionChoice(), seen="x")
    checkpoint_pin(actor=researcher, checkpoint=children[0], is_pinned=True)
    with pytest.raises(NotAllowed):
        checkpoint_pin(actor=viewer, checkpoint=children[0], is_pinned=False)
    with pytest.raises(InvalidInput, match="keep must lie between"):
        retention_plan(campaign, RetentionChoice(0))


def test_lineage_leads_from_the_first_ancestor(campaign, base, children):
    assert names(lineage(registry(campaign), children[2].pk)) == ["base", "child-0", "child-1", "child-2"]
    assert names(checkpoint_context(campaign, children[0].pk)["children"]) == ["child-1"]


def test_the_tar_is_as_long_as_promised_and_holds_the_very_checkpoint(campaign, children, tmp_path):
    answer = checkpoint_download(entry_of(campaign, children[0].pk)[1])
    content = b"".join(tar_pieces("any", sorted(Path(children[0].path).iterdir())))
    assert len(content) == int(answer.headers["Content-Length"])
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        tar.extractall(tmp_path / "out", filter="data")
    (folder,) = (tmp_path / "out").iterdir()
    assert hash_checkpoint(folder) == children[0].content_hash
