"""Report pages."""

from django.urls import path

from diagnostics import views

urlpatterns = [
    path("campaigns/<slug:slug>/reports/", views.report_list, name="report-list"),
    path("campaigns/<slug:slug>/reports/<int:pk>/", views.report_detail, name="report-detail"),
    path("campaigns/<slug:slug>/reports/<int:pk>/skills/<path:skill>/", views.report_skill, name="report-skill"),
    path("campaigns/<slug:slug>/items/<int:pk>/", views.item_detail, name="item-detail"),
]
