"""Pages that belong to no round: signing in, pictures, jobs."""

from django.contrib.auth import views as auth
from django.contrib.auth.decorators import login_not_required
from django.urls import path
from sesame.views import LoginView as LinkView

from core import admin_views, concurrency_views, job_views, token_views, views

urlpatterns = [
    path("healthz", views.healthz, name="healthz"),
    path("login/", views.SignIn.as_view(), name="login"),
    path("login/link/", login_not_required(LinkView.as_view()), name="login-link"),
    path("logout/", auth.LogoutView.as_view(), name="logout"),
    path("password/", views.PasswordChange.as_view(), name="password-change"),
    path("tokens/", token_views.token_list, name="token-list"),
    path("tokens/<str:key>/revoke", token_views.token_end, name="token-end"),
    path("media/<slug:sha256>", views.media_detail, name="media-detail"),
    path("media/<slug:sha256>/thumbnail", views.media_thumbnail, name="media-thumbnail"),
    path("campaigns/<slug:slug>/settings/", admin_views.campaign_settings, name="campaign-settings"),
    path("campaigns/<slug:slug>/members/set", admin_views.member_save, name="member-set"),
    path("campaigns/<slug:slug>/members/remove", admin_views.member_drop, name="member-remove"),
    path("campaigns/<slug:slug>/endpoints/", admin_views.endpoint_list, name="endpoint-list"),
    path("campaigns/<slug:slug>/endpoints/<int:pk>/test", admin_views.endpoint_test, name="endpoint-test"),
    path("campaigns/<slug:slug>/concurrency/", concurrency_views.concurrency, name="concurrency"),
    path("jobs/", views.job_list, name="job-list"),
    path("jobs/<int:pk>/", views.job_detail, name="job-detail"),
    path("jobs/<int:pk>/pause", job_views.job_hold, name="job-pause"),
    path("jobs/<int:pk>/resume", job_views.job_go_on, name="job-resume"),
    path("jobs/<int:pk>/stop", job_views.job_stop, name="job-stop"),
    path("jobs/<int:pk>/again", job_views.job_again, name="job-again"),
    path("workers/", views.worker_list, name="worker-list"),
]
