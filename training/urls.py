"""Pages of campaigns and rounds."""

from django.urls import path

from training import actions, views

urlpatterns = [
    path("", views.campaign_list, name="campaign-list"),
    path("campaigns/<slug:slug>/", views.campaign_detail, name="campaign-detail"),
    path("campaigns/<slug:slug>/rounds/start", actions.round_start, name="round-start"),
    path("campaigns/<slug:slug>/rounds/<int:number>/", views.round_detail, name="round-detail"),
    path("campaigns/<slug:slug>/rounds/<int:number>/approve", actions.round_approve, name="round-approve"),
    path("campaigns/<slug:slug>/rounds/<int:number>/send-back", actions.round_send_back, name="round-send-back"),
    path("campaigns/<slug:slug>/rounds/<int:number>/decide", actions.round_decide, name="round-decide"),
    path("campaigns/<slug:slug>/rounds/<int:number>/retry", actions.round_retry, name="round-retry"),
    path("campaigns/<slug:slug>/rounds/<int:number>/stop", actions.round_stop, name="round-stop"),
    path("campaigns/<slug:slug>/rounds/<int:number>/redo", actions.round_redo, name="round-redo"),
]
