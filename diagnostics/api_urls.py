"""REST of the diagnosis, relative to /api/v1/."""

from django.urls import path

from diagnostics import api, api_imports

urlpatterns = [
    path("campaigns/<slug:slug>/checkpoints", api.CheckpointList.as_view(), name="api-checkpoint-list"),
    path("campaigns/<slug:slug>/benchmarks", api.BenchmarkList.as_view(), name="api-benchmark-list"),
    path("campaigns/<slug:slug>/benchmarks/check", api_imports.BenchmarkCheck.as_view(), name="api-benchmark-check"),
    path("campaigns/<slug:slug>/predictions", api_imports.PredictionsImport.as_view(), name="api-predictions-import"),
    path("campaigns/<slug:slug>/reports/<int:pk>", api.ReportDetail.as_view(), name="api-report-detail"),
]
