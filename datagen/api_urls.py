"""REST of data generation, relative to /api/v1/."""

from django.urls import path

from datagen import api, budget_api, call_api, dataset_api, live_api, mixture_api, sample_api

CAMPAIGN = "campaigns/<slug:slug>"
MIXTURE = f"{CAMPAIGN}/mixtures/<int:pk>"
SAMPLE = f"{CAMPAIGN}/samples/<int:pk>"
DATASET = f"{CAMPAIGN}/datasets/<int:pk>"

urlpatterns = [
    path(f"{CAMPAIGN}/pools", api.PoolList.as_view(), name="api-pool-list"),
    path(f"{CAMPAIGN}/mixtures", mixture_api.MixtureList.as_view(), name="api-mixture-list"),
    path(MIXTURE, mixture_api.MixtureDetail.as_view(), name="api-mixture-detail"),
    path(f"{MIXTURE}/live", live_api.MixtureLiveDetail.as_view(), name="api-mixture-live"),
    path(f"{MIXTURE}/preview", mixture_api.MixturePreview.as_view(), name="api-mixture-preview"),
    path(f"{MIXTURE}/rows", mixture_api.MixtureRows.as_view(), name="api-mixture-rows"),
    path(f"{MIXTURE}/restore", mixture_api.MixtureRestore.as_view(), name="api-mixture-restore"),
    path(f"{MIXTURE}/budget", budget_api.MixtureBudget.as_view(), name="api-mixture-budget"),
    path(f"{CAMPAIGN}/samples", sample_api.SampleList.as_view(), name="api-sample-list"),
    path(f"{CAMPAIGN}/samples/decide", sample_api.SampleDecide.as_view(), name="api-sample-decide"),
    path(SAMPLE, sample_api.SampleDetail.as_view(), name="api-sample-detail"),
    path(f"{SAMPLE}/accept", sample_api.SampleAccept.as_view(), name="api-sample-accept"),
    path(f"{SAMPLE}/reject", sample_api.SampleReject.as_view(), name="api-sample-reject"),
    path(f"{SAMPLE}/reassign", sample_api.SampleMove.as_view(), name="api-sample-reassign"),
    path(f"{SAMPLE}/undo", sample_api.SampleUndo.as_view(), name="api-sample-undo"),
    path(f"{CAMPAIGN}/calls", call_api.CallList.as_view(), name="api-call-list"),
    path(f"{CAMPAIGN}/calls/costs", call_api.CallCosts.as_view(), name="api-call-costs"),
    path(f"{CAMPAIGN}/calls/<int:pk>", call_api.CallDetail.as_view(), name="api-call-detail"),
    path(f"{CAMPAIGN}/datasets", dataset_api.DatasetList.as_view(), name="api-dataset-list"),
    path(DATASET, dataset_api.DatasetDetail.as_view(), name="api-dataset-detail"),
    path(f"{DATASET}/<slug:kind>", dataset_api.DatasetFile.as_view(), name="api-dataset-file"),
]
