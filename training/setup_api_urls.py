"""REST of campaigns' files, relative to /api/v1/; before core's, whose campaigns/SLUG would take its addresses."""

from django.urls import path

from training import setup_api as api

urlpatterns = [
    path("campaigns/from-file", api.CampaignFromFile.as_view(), name="api-campaign-from-file"),
    path("campaigns/check", api.CampaignCheck.as_view(), name="api-campaign-check"),
    path("campaigns/<slug:slug>/file", api.CampaignAsFile.as_view(), name="api-campaign-file"),
    path("campaigns/<slug:slug>/imports", api.ImportList.as_view(), name="api-import-list"),
]
