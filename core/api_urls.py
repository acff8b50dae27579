"""REST of the core, relative to /api/v1/."""

from django.urls import path

from core import api_views as views
from core import job_api

urlpatterns = [
    path("campaigns", views.CampaignList.as_view(), name="api-campaign-list"),
    path("campaigns/<slug:slug>", views.CampaignDetail.as_view(), name="api-campaign-detail"),
    path("campaigns/<slug:slug>/endpoints", views.EndpointList.as_view(), name="api-endpoint-list"),
    path("jobs/<int:pk>", views.JobDetail.as_view(), name="api-job-detail"),
    path("jobs/<int:pk>/retry", views.JobRetry.as_view(), name="api-job-retry"),
    path("jobs", job_api.JobList.as_view(), name="api-job-list"),
    path("jobs/<int:pk>/events", job_api.JobEvents.as_view(), name="api-job-events"),
    path("workers", job_api.WorkerList.as_view(), name="api-worker-list"),
]
