"""REST of the core, relative to /api/v1/."""

from django.urls import path

from core import api_views as views
from core import audit_api, job_api, settings_api, token_views

urlpatterns = [
    path("campaigns", views.CampaignList.as_view(), name="api-campaign-list"),
    path("campaigns/<slug:slug>", views.CampaignDetail.as_view(), name="api-campaign-detail"),
    path("campaigns/<slug:slug>/endpoints", views.EndpointList.as_view(), name="api-endpoint-list"),
    path("campaigns/<slug:slug>/audit-events", audit_api.AuditEventList.as_view(), name="api-audit-event-list"),
    path(
        "campaigns/<slug:slug>/endpoints/<slug:role>/test",
        settings_api.EndpointTest.as_view(),
        name="api-endpoint-test",
    ),
    path("campaigns/<slug:slug>/settings", settings_api.SettingsDetail.as_view(), name="api-settings-detail"),
    path("campaigns/<slug:slug>/concurrency", settings_api.ConcurrencyDetail.as_view(), name="api-concurrency"),
    path("campaigns/<slug:slug>/members", settings_api.MemberList.as_view(), name="api-member-list"),
    path("campaigns/<slug:slug>/members/<str:name>", settings_api.MemberDetail.as_view(), name="api-member-detail"),
    path("jobs/<int:pk>", views.JobDetail.as_view(), name="api-job-detail"),
    path("jobs/<int:pk>/pause", views.JobPause.as_view(), name="api-job-pause"),
    path("jobs/<int:pk>/resume", views.JobResume.as_view(), name="api-job-resume"),
    path("jobs/<int:pk>/retry", views.JobRetry.as_view(), name="api-job-retry"),
    path("tokens", token_views.TokenList.as_view(), name="api-token-list"),
    path("tokens/<str:key>", token_views.TokenDetail.as_view(), name="api-token-detail"),
    path("jobs", job_api.JobList.as_view(), name="api-job-list"),
    path("jobs/<int:pk>/events", job_api.JobEvents.as_view(), name="api-job-events"),
    path("workers", job_api.WorkerList.as_view(), name="api-worker-list"),
]
