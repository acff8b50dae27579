"""Pages that belong to no round: signing in, pictures, jobs."""

from django.contrib.auth import views as auth
from django.contrib.auth.decorators import login_not_required
from django.urls import path, reverse_lazy
from sesame.views import LoginView as LinkView

from core import views

password_change = auth.PasswordChangeView.as_view(
    template_name="core/password_change.html", success_url=reverse_lazy("campaign-list")
)

urlpatterns = [
    path("healthz", views.healthz, name="healthz"),
    path("login/", views.SignIn.as_view(), name="login"),
    path("login/link/", login_not_required(LinkView.as_view()), name="login-link"),
    path("logout/", auth.LogoutView.as_view(), name="logout"),
    path("password/", password_change, name="password-change"),
    path("media/<slug:sha256>", views.media_detail, name="media-detail"),
    path("media/<slug:sha256>/thumbnail", views.media_thumbnail, name="media-thumbnail"),
    path("jobs/", views.job_list, name="job-list"),
    path("jobs/<int:pk>/", views.job_detail, name="job-detail"),
    path("jobs/<int:pk>/stop", views.job_stop, name="job-stop"),
    path("jobs/<int:pk>/again", views.job_again, name="job-again"),
    path("workers/", views.worker_list, name="worker-list"),
]
