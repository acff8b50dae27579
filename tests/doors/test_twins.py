"""Whatever a page shows or does, a script can have or do: every page door has its REST twin."""

from tests.doors.every import APPS, DOORS

# Page door -> REST door that gives or does the same.
TWINS = {
    "campaign-list": "api-campaign-list",
    "campaign-new": "POST api-campaign-check",
    "POST campaign-new": "POST api-campaign-from-file",
    "campaign-detail": "api-campaign-detail",
    "campaign-inputs": "api-import-list",
    "POST campaign-inputs": "POST api-benchmark-list",
    "POST benchmark-check": "POST api-benchmark-check",
    "POST predictions-import": "POST api-predictions-import",
    "import-detail": "api-job-detail",
    "campaign-file": "api-campaign-file",
    "campaign-settings": "api-settings-detail",
    "POST campaign-settings": "PUT api-settings-detail",
    "POST budget-set": "PUT api-budget-detail",
    "POST mixture-budget": "PUT api-mixture-budget",
    "concurrency": "api-concurrency",
    "POST concurrency": "PATCH api-concurrency",
    "POST member-set": "PUT api-member-detail",
    "POST member-remove": "DELETE api-member-detail",
    "endpoint-list": "api-endpoint-list",
    "POST endpoint-list": "PUT api-endpoint-list",
    "POST endpoint-test": "POST api-endpoint-test",
    "round-detail": "api-round-detail",
    "POST round-start": "POST api-round-list",
    "POST round-approve": "POST api-round-approve",
    "POST round-send-back": "POST api-round-send-back",
    "POST round-decide": "POST api-round-decide",
    "POST round-retry": "POST api-round-retry",
    "POST round-redo": "POST api-round-redo",
    "POST round-stop": "POST api-round-stop",
    "report-list": "api-report-list",
    "report-detail": "api-report-detail",
    "report-skill": "api-answer-run-detail",
    "item-detail": "api-item-detail",
    "judging-list": "api-judging-list",
    "POST judging-start": "POST api-judging-list",
    "judging-detail": "api-judging-detail",
    "POST ruling-decide": "POST api-ruling-decide",
    "POST label-correct": "POST api-label-correct",
    "run-list": "api-answer-run-list",
    "run-detail": "api-answer-run-detail",
    "run-new": "POST api-answer-run-list",
    "POST run-new": "POST api-answer-run-list",
    "item-list": "api-item-list",
    "POST item-view-save": "POST api-item-view-list",
    "POST item-view-remove": "DELETE api-item-view-detail",
    "POST item-export": "POST api-item-export",
    "item-export-file": "api-item-export-file",
    "mixture-list": "api-mixture-list",
    "mixture-live": "api-mixture-live",
    "mixture-detail": "api-mixture-detail",
    "POST mixture-try": "POST api-mixture-preview",
    "POST mixture-save": "PUT api-mixture-rows",
    "POST mixture-back": "POST api-mixture-restore",
    "sample-list": "api-sample-list",
    "sample-queue": "api-sample-list",
    "sample-detail": "api-sample-detail",
    "POST sample-decide": "POST api-sample-accept",
    "POST sample-decide-many": "POST api-sample-decide",
    "POST sample-undo": "POST api-sample-undo",
    "dataset-list": "api-dataset-list",
    "dataset-detail": "api-dataset-detail",
    "dataset-file": "api-dataset-file",
    "comparison-list": "api-evaluation-list",
    "comparison-detail": "api-evaluation-detail",
    "comparison-export": "api-evaluation-item-list",
    "training-list": "api-training-run-list",
    "training-detail": "api-training-run-detail",
    "training-new": "POST api-training-run-preview",
    "POST training-new": "POST api-training-run-list",
    "POST training-check": "POST api-training-run-check",
    "POST training-override": "POST api-training-run-override",
    "POST training-stop": "POST api-training-run-stop",
    "checkpoint-list": "api-checkpoint-list",
    "checkpoint-detail": "api-checkpoint-detail",
    "checkpoint-file": "api-checkpoint-file",
    "POST checkpoint-keep": "POST api-checkpoint-pin",
    "POST checkpoint-merge": "POST api-checkpoint-merge",
    "checkpoint-retention": "api-retention",
    "POST checkpoint-retention": "POST api-retention",
    "prompt-list": "api-prompt-list",
    "prompt-detail": "api-rollout-list",
    "call-list": "api-call-list",
    "call-detail": "api-call-detail",
    "job-list": "api-job-list",
    "job-detail": "api-job-detail",
    "POST job-stop": "DELETE api-job-detail",
    "POST job-pause": "POST api-job-pause",
    "POST job-resume": "POST api-job-resume",
    "POST job-again": "POST api-job-retry",
    "worker-list": "api-worker-list",
    "token-list": "api-token-list",
    "POST token-list": "POST api-token-list",
    "POST token-end": "DELETE api-token-detail",
}
# Doors for eyes and sessions alone.
ALONE = {"login", "healthz", "password-change", "media-detail", "media-thumbnail"}


def name(door: object) -> str:
    return str(door).removeprefix("GET ")


def test_every_page_and_every_action_has_a_rest_twin():
    pages = {name(door) for app in APPS for door in app.PAGES} - ALONE
    rest = {name(door) for app in APPS for door in app.API}
    assert pages - set(TWINS) == set(), "a page or an action without a REST twin"
    assert set(TWINS.values()) - rest == set(), "a twin that does not exist"
    assert set(TWINS) - pages == set(), "a line for a page that does not exist"


def test_twins_ask_for_the_same_right():
    rights = {name(door): door.right for door in DOORS}
    assert {page: rest for page, rest in TWINS.items() if rights[page] != rights[rest]} == {}
