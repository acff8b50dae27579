"""How long the web side takes to its first page, against an empty Django project with the same third-party apps.

``setup_ratio``: setup + URLconf + first page, ours over theirs, medians of interleaved runs in fresh processes.
``web_rss_mb``: resident memory after that page. ``torch_loaded``: whether torch or our gpu package was imported.
"""

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RUNS = 7

MEASURE = """
import json, os, sys, time
started = time.perf_counter()
{prepare}
import django
django.setup()
from django.test import Client
from django.urls import get_resolver
get_resolver().url_patterns
status = Client(HTTP_HOST="localhost").get("{path}").status_code
seconds = time.perf_counter() - started
import psutil
print(json.dumps({{"seconds": seconds, "status": status, "rss": psutil.Process().memory_info().rss / 2**20,
    "torch": bool({{"torch", "transformers", "gpu"}} & set(sys.modules))}}))
"""
OURS = 'os.environ["DJANGO_SETTINGS_MODULE"] = "dpe_site.settings"'
EMPTY = """
from django.conf import settings
from django.http import HttpResponse
from django.urls import include, path
import types
urls = types.ModuleType("empty_urls")
from_apps = {apps!r}
settings.configure(SECRET_KEY="x", ALLOWED_HOSTS=["localhost"], ROOT_URLCONF="empty_urls", INSTALLED_APPS=from_apps,
    MIDDLEWARE={middleware!r}, TEMPLATES={templates!r}, DATABASES={{"default": {{"ENGINE": "django.db.backends.sqlite3",
    "NAME": ":memory:"}}}}, REST_FRAMEWORK={rest!r}, STATIC_URL="static/", USE_TZ=True)
def page(request):
    from django.template import engines
    return HttpResponse(engines["django"].from_string("ok").render({{}}, request))
def patterns():
    from django.contrib import admin
    from drf_spectacular.views import SpectacularAPIView
    return [path("", page), path("schema", SpectacularAPIView.as_view()), path("admin/", admin.site.urls)]
class Lazy(types.ModuleType):
    def __getattr__(self, name):
        if name == "urlpatterns":
            self.urlpatterns = patterns()
            return self.urlpatterns
        raise AttributeError(name)
sys.modules["empty_urls"] = Lazy("empty_urls")
"""
OUR_APPS = ("core", "diagnostics", "datagen", "training")


def empty_project() -> str:
    """The same third-party apps and middleware without ours."""
    from dpe_site import settings

    return EMPTY.format(
        apps=[app for app in settings.INSTALLED_APPS if app not in OUR_APPS],
        middleware=[
            name for name in settings.MIDDLEWARE if not name.startswith("core.") and "LoginRequired" not in name
        ],
        templates=[{**settings.TEMPLATES[0], "DIRS": []}],
        rest={key: value for key, value in settings.REST_FRAMEWORK.items() if key != "EXCEPTION_HANDLER"},
    )


def measure(prepare: str, path: str) -> dict[str, float]:
    """One fresh process."""
    code = MEASURE.format(prepare=prepare, path=path)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    if result["status"] != 200:
        raise RuntimeError(f"{path} answered {result['status']}")
    return result


def main() -> None:
    """Interleave both, print the figures."""
    with tempfile.TemporaryDirectory() as var:
        ours_prepare = f'os.environ["DPE_VAR"] = {var!r}\n{OURS}'
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
            cwd=ROOT,
            check=True,
            env={"DPE_VAR": var, "PATH": "/usr/bin:/bin"},
        )
        pairs = [(measure(ours_prepare, "/login/"), measure(empty_project(), "/")) for _ in range(RUNS)]
    ours, theirs = ([pair[i]["seconds"] for pair in pairs[1:]] for i in (0, 1))
    print(f"ours {statistics.median(ours):.2f} s, empty {statistics.median(theirs):.2f} s")
    figures = {
        "setup_ratio": round(statistics.median(ours) / statistics.median(theirs), 2),
        "web_rss_mb": round(max(pair[0]["rss"] for pair in pairs), 1),
        "torch_loaded": any(pair[0]["torch"] for pair in pairs),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
