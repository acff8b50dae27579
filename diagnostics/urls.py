"""Report pages."""

from django.urls import path

from diagnostics import item_views, judge_views, run_views, views

urlpatterns = [
    path("campaigns/<slug:slug>/reports/", views.report_list, name="report-list"),
    path("campaigns/<slug:slug>/reports/<int:pk>/", views.report_detail, name="report-detail"),
    path("campaigns/<slug:slug>/reports/<int:pk>/skills/<path:skill>/", views.report_skill, name="report-skill"),
    path("campaigns/<slug:slug>/items/<int:pk>/", views.item_detail, name="item-detail"),
    path("campaigns/<slug:slug>/answer-runs/<int:pk>/judgings/", judge_views.judging_list, name="judging-list"),
    path("campaigns/<slug:slug>/answer-runs/<int:pk>/judge/", judge_views.judging_start, name="judging-start"),
    path("campaigns/<slug:slug>/judgings/<int:pk>/", judge_views.judging_detail, name="judging-detail"),
    path("campaigns/<slug:slug>/rulings/<int:pk>/decide/", judge_views.ruling_decide_page, name="ruling-decide"),
    path("campaigns/<slug:slug>/labels/<int:pk>/correct/", judge_views.label_correct_page, name="label-correct"),
    path("campaigns/<slug:slug>/runs/", run_views.run_list, name="run-list"),
    path("campaigns/<slug:slug>/runs/new/", run_views.run_new, name="run-new"),
    path("campaigns/<slug:slug>/runs/<int:pk>/", run_views.run_detail, name="run-detail"),
    path("campaigns/<slug:slug>/items/", item_views.item_list, name="item-list"),
    path("campaigns/<slug:slug>/items/views/", item_views.item_view_save, name="item-view-save"),
    path("campaigns/<slug:slug>/items/views/remove/", item_views.item_view_remove, name="item-view-remove"),
    path("campaigns/<slug:slug>/items/exports/", item_views.item_export, name="item-export"),
    path("campaigns/<slug:slug>/items/exports/<int:pk>/", item_views.item_export_file, name="item-export-file"),
]
