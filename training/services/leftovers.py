"""Removing what training runs left on disk, while nobody can begin to use it."""

import fcntl
import secrets
import shutil
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path

from django.contrib.auth.models import User
from django.db import transaction

from core.access import audit
from core.errors import WrongState
from core.models import Campaign
from core.specs import LOCK_FILE
from training.selectors.leftovers import RUN_JOBS, Leftover


def resuming_held(campaign: Campaign) -> None:
    """Let nobody retry a run's job until the transaction ends."""
    list(campaign.jobs.filter(kind__in=RUN_JOBS).select_for_update().values_list("pk"))


def leftovers_remove(actor: User, leftovers: Sequence[Leftover]) -> None:
    """Take them out of their runs inside the caller's transaction; the files go once it is committed.

    Each folder's lock is held meanwhile, as a child holds it: a run that works is a WrongState, and nothing goes. What
    a kill leaves between the two lies in the folder as ``.NAME.gone`` and goes with the next removal.
    """
    with ExitStack() as locks:
        for folder in {path.parent for left in leftovers for path in left.paths}:
            folder_lock(locks, folder)
        for left in leftovers:
            names = [path.name for path in left.paths]
            facts = {"kind": left.kind, "names": names, "num_bytes": left.num_bytes}
            audit(actor, "training_run.files_removed", left.run, campaign=left.run.campaign, **facts)
        gone = [set_aside(path) for left in leftovers for path in left.paths]
    transaction.on_commit(lambda: folders_remove(gone))


def folder_lock(locks: ExitStack, folder: Path) -> None:
    """Hold RUN_DIR's lock, unless a child does."""
    file = locks.enter_context((folder / LOCK_FILE).open("ab"))
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise WrongState("A run began to work again since you looked. Look again.") from error


def set_aside(path: Path) -> Path:
    """The folder under a name that no run knows."""
    return path.rename(path.with_name(f".{path.name}.{secrets.token_hex(4)}.gone"))


def folders_remove(folders: Iterable[Path]) -> None:
    """Remove them with all that they hold."""
    for folder in folders:
        shutil.rmtree(folder)
