"""Report pages."""

from django.urls import path

from diagnostics import judge_views, views

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
]
