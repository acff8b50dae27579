"""REST of the diagnosis, relative to /api/v1/."""

from django.urls import path

from diagnostics import api, api_imports, api_reads, item_api, judge_api, run_api

urlpatterns = [
    path("campaigns/<slug:slug>/checkpoints", api.CheckpointList.as_view(), name="api-checkpoint-list"),
    path("campaigns/<slug:slug>/benchmarks", api.BenchmarkList.as_view(), name="api-benchmark-list"),
    path("campaigns/<slug:slug>/benchmarks/check", api_imports.BenchmarkCheck.as_view(), name="api-benchmark-check"),
    path("campaigns/<slug:slug>/predictions", api_imports.PredictionsImport.as_view(), name="api-predictions-import"),
    path("campaigns/<slug:slug>/reports/<int:pk>", api.ReportDetail.as_view(), name="api-report-detail"),
    path("campaigns/<slug:slug>/reports", api_reads.ReportList.as_view(), name="api-report-list"),
    path("campaigns/<slug:slug>/answer-runs", run_api.AnswerRuns.as_view(), name="api-answer-run-list"),
    path(
        "campaigns/<slug:slug>/answer-runs/<int:pk>", api_reads.AnswerRunDetail.as_view(), name="api-answer-run-detail"
    ),
    path("campaigns/<slug:slug>/items/<int:pk>", api_reads.ItemDetail.as_view(), name="api-item-detail"),
    path(
        "campaigns/<slug:slug>/answer-runs/<int:pk>/judgings", judge_api.JudgingList.as_view(), name="api-judging-list"
    ),
    path("campaigns/<slug:slug>/judgings/<int:pk>", judge_api.JudgingDetail.as_view(), name="api-judging-detail"),
    path("campaigns/<slug:slug>/judgings/<int:pk>/rulings", judge_api.RulingList.as_view(), name="api-ruling-list"),
    path("campaigns/<slug:slug>/rulings/<int:pk>/decide", judge_api.RulingDecide.as_view(), name="api-ruling-decide"),
    path("campaigns/<slug:slug>/judgings/<int:pk>/labels", judge_api.LabelList.as_view(), name="api-label-list"),
    path("campaigns/<slug:slug>/labels/<int:pk>/correct", judge_api.LabelCorrect.as_view(), name="api-label-correct"),
    path(
        "campaigns/<slug:slug>/answer-runs/<int:pk>/differences",
        run_api.AnswerRunDifferences.as_view(),
        name="api-answer-run-differences",
    ),
    path("campaigns/<slug:slug>/items", item_api.ItemList.as_view(), name="api-item-list"),
    path("campaigns/<slug:slug>/items/views", item_api.ViewList.as_view(), name="api-item-view-list"),
    path("campaigns/<slug:slug>/items/views/<path:name>", item_api.ViewDetail.as_view(), name="api-item-view-detail"),
    path("campaigns/<slug:slug>/items/exports", item_api.ExportList.as_view(), name="api-item-export"),
    path("campaigns/<slug:slug>/items/exports/<int:pk>", item_api.ExportFile.as_view(), name="api-item-export-file"),
]
