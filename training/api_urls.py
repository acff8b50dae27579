"""REST of training, relative to /api/v1/."""

from django.urls import path

from training import api, api_reads, checkpoint_api, launch_api, prompt_api

ROUNDS = "campaigns/<slug:slug>/rounds"
ROUND = f"{ROUNDS}/<int:number>"
RUNS = "campaigns/<slug:slug>/training-runs"
CHECKPOINTS = "campaigns/<slug:slug>/checkpoints"
EVALUATIONS = "campaigns/<slug:slug>/evaluations"

urlpatterns = [
    path(ROUNDS, api.RoundList.as_view(), name="api-round-list"),
    path(ROUND, api.RoundDetail.as_view(), name="api-round-detail"),
    path(f"{ROUND}/approve", api.RoundApprove.as_view(), name="api-round-approve"),
    path(f"{ROUND}/send-back", api.RoundSendBack.as_view(), name="api-round-send-back"),
    path(f"{ROUND}/decide", api.RoundDecide.as_view(), name="api-round-decide"),
    path(f"{ROUND}/retry", api.RoundRetry.as_view(), name="api-round-retry"),
    path(f"{ROUND}/stop", api.RoundStop.as_view(), name="api-round-stop"),
    path(f"{ROUND}/redo", api.RoundRedo.as_view(), name="api-round-redo"),
    path(RUNS, launch_api.TrainingRunDoors.as_view(), name="api-training-run-list"),
    path(f"{RUNS}/preview", launch_api.TrainingRunPreview.as_view(), name="api-training-run-preview"),
    path(f"{RUNS}/<int:pk>/check", launch_api.TrainingRunCheck.as_view(), name="api-training-run-check"),
    path(f"{RUNS}/<int:pk>/override", launch_api.TrainingRunOverride.as_view(), name="api-training-run-override"),
    path(f"{RUNS}/<int:pk>/stop", launch_api.TrainingRunStop.as_view(), name="api-training-run-stop"),
    path("campaigns/<slug:slug>/training-presets", launch_api.PresetList.as_view(), name="api-preset-list"),
    path(f"{RUNS}/<int:pk>", api_reads.TrainingRunDetail.as_view(), name="api-training-run-detail"),
    path(f"{RUNS}/<int:pk>/metrics", api_reads.MetricList.as_view(), name="api-metric-list"),
    path(f"{RUNS}/<int:pk>/prompts", prompt_api.PromptList.as_view(), name="api-prompt-list"),
    path(f"{RUNS}/<int:pk>/prompts/<int:prompt>", prompt_api.PromptDetail.as_view(), name="api-prompt-detail"),
    path(f"{RUNS}/<int:pk>/prompts/<int:prompt>/rollouts", prompt_api.RolloutList.as_view(), name="api-rollout-list"),
    path(f"{CHECKPOINTS}/retention", checkpoint_api.Retention.as_view(), name="api-retention"),
    path(f"{CHECKPOINTS}/<int:pk>", checkpoint_api.CheckpointDetail.as_view(), name="api-checkpoint-detail"),
    path(f"{CHECKPOINTS}/<int:pk>/pin", checkpoint_api.CheckpointPin.as_view(), name="api-checkpoint-pin"),
    path(f"{CHECKPOINTS}/<int:pk>/merge", checkpoint_api.CheckpointMerge.as_view(), name="api-checkpoint-merge"),
    path(f"{CHECKPOINTS}/<int:pk>/files.tar", checkpoint_api.CheckpointFile.as_view(), name="api-checkpoint-file"),
    path(EVALUATIONS, api_reads.EvaluationList.as_view(), name="api-evaluation-list"),
    path(f"{EVALUATIONS}/<int:pk>", api_reads.EvaluationDetail.as_view(), name="api-evaluation-detail"),
    path(f"{EVALUATIONS}/<int:pk>/items", api_reads.EvaluationItems.as_view(), name="api-evaluation-item-list"),
]
