"""Pages of campaigns and rounds."""

from django.urls import path

from training import (
    actions,
    budget_views,
    checkpoint_views,
    comparison_views,
    input_views,
    launch_views,
    mixture_views,
    prompt_views,
    setup_views,
    training_views,
    views,
)

urlpatterns = [
    path("", views.campaign_list, name="campaign-list"),
    path("campaigns/new/", setup_views.campaign_new, name="campaign-new"),
    path("campaigns/<slug:slug>/inputs/", input_views.campaign_inputs, name="campaign-inputs"),
    path("campaigns/<slug:slug>/inputs/check", input_views.benchmark_check, name="benchmark-check"),
    path("campaigns/<slug:slug>/inputs/predictions", input_views.predictions_import, name="predictions-import"),
    path("campaigns/<slug:slug>/inputs/<int:pk>/", input_views.import_detail, name="import-detail"),
    path("campaigns/<slug:slug>/campaign.yaml", setup_views.campaign_file, name="campaign-file"),
    path("campaigns/<slug:slug>/", views.campaign_detail, name="campaign-detail"),
    path("campaigns/<slug:slug>/rounds/start", actions.round_start, name="round-start"),
    path("campaigns/<slug:slug>/rounds/<int:number>/", views.round_detail, name="round-detail"),
    path("campaigns/<slug:slug>/rounds/<int:number>/approve", actions.round_approve, name="round-approve"),
    path("campaigns/<slug:slug>/rounds/<int:number>/send-back", actions.round_send_back, name="round-send-back"),
    path("campaigns/<slug:slug>/rounds/<int:number>/decide", actions.round_decide, name="round-decide"),
    path("campaigns/<slug:slug>/rounds/<int:number>/retry", actions.round_retry, name="round-retry"),
    path("campaigns/<slug:slug>/rounds/<int:number>/stop", actions.round_stop, name="round-stop"),
    path("campaigns/<slug:slug>/rounds/<int:number>/redo", actions.round_redo, name="round-redo"),
    path("campaigns/<slug:slug>/comparisons/", comparison_views.comparison_list, name="comparison-list"),
    path("campaigns/<slug:slug>/comparisons/<int:pk>/", comparison_views.comparison_detail, name="comparison-detail"),
    path(
        "campaigns/<slug:slug>/comparisons/<int:pk>/items.csv",
        comparison_views.comparison_export,
        name="comparison-export",
    ),
    path("campaigns/<slug:slug>/training/", training_views.training_list, name="training-list"),
    path("campaigns/<slug:slug>/training/new/", launch_views.training_new, name="training-new"),
    path("campaigns/<slug:slug>/training/<int:pk>/check", launch_views.training_check, name="training-check"),
    path("campaigns/<slug:slug>/training/<int:pk>/override", launch_views.training_override, name="training-override"),
    path("campaigns/<slug:slug>/training/<int:pk>/stop", launch_views.training_stop, name="training-stop"),
    path("campaigns/<slug:slug>/training/<int:pk>/", training_views.training_detail, name="training-detail"),
    path("campaigns/<slug:slug>/training/<int:pk>/prompts/", prompt_views.prompt_list, name="prompt-list"),
    path(
        "campaigns/<slug:slug>/training/<int:pk>/prompts/<int:prompt>/",
        prompt_views.prompt_detail,
        name="prompt-detail",
    ),
    path("campaigns/<slug:slug>/checkpoints/", checkpoint_views.checkpoint_list, name="checkpoint-list"),
    path(
        "campaigns/<slug:slug>/checkpoints/retention/",
        checkpoint_views.checkpoint_retention,
        name="checkpoint-retention",
    ),
    path("campaigns/<slug:slug>/checkpoints/<int:pk>/", checkpoint_views.checkpoint_detail, name="checkpoint-detail"),
    path("campaigns/<slug:slug>/checkpoints/<int:pk>/keep", checkpoint_views.checkpoint_keep, name="checkpoint-keep"),
    path(
        "campaigns/<slug:slug>/checkpoints/<int:pk>/merge", checkpoint_views.checkpoint_merge, name="checkpoint-merge"
    ),
    path(
        "campaigns/<slug:slug>/checkpoints/<int:pk>/files.tar",
        checkpoint_views.checkpoint_file,
        name="checkpoint-file",
    ),
    path("campaigns/<slug:slug>/mixtures/", mixture_views.mixture_list, name="mixture-list"),
    path("campaigns/<slug:slug>/mixtures/<int:pk>/", mixture_views.mixture_detail, name="mixture-detail"),
    path("campaigns/<slug:slug>/mixtures/<int:pk>/try", mixture_views.mixture_try, name="mixture-try"),
    path("campaigns/<slug:slug>/mixtures/<int:pk>/save", mixture_views.mixture_save, name="mixture-save"),
    path("campaigns/<slug:slug>/mixtures/<int:pk>/back", mixture_views.mixture_back, name="mixture-back"),
    path("campaigns/<slug:slug>/mixtures/<int:pk>/budget", budget_views.mixture_budget, name="mixture-budget"),
]
