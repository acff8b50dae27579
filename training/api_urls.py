"""REST of training, relative to /api/v1/."""

from django.urls import path

from training import api

ROUNDS = "campaigns/<slug:slug>/rounds"
ROUND = f"{ROUNDS}/<int:number>"

urlpatterns = [
    path(ROUNDS, api.RoundList.as_view(), name="api-round-list"),
    path(ROUND, api.RoundDetail.as_view(), name="api-round-detail"),
    path(f"{ROUND}/approve", api.RoundApprove.as_view(), name="api-round-approve"),
    path(f"{ROUND}/send-back", api.RoundSendBack.as_view(), name="api-round-send-back"),
    path(f"{ROUND}/decide", api.RoundDecide.as_view(), name="api-round-decide"),
    path(f"{ROUND}/retry", api.RoundRetry.as_view(), name="api-round-retry"),
    path(f"{ROUND}/stop", api.RoundStop.as_view(), name="api-round-stop"),
    path(f"{ROUND}/redo", api.RoundRedo.as_view(), name="api-round-redo"),
]
