"""How numbers, times and words look, decided once for every page."""

from datetime import datetime
from decimal import Decimal

from django import template
from django.http import QueryDict
from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core.settings_form import value_text

register = template.Library()

MINUS, THIN = "\N{MINUS SIGN}", "\N{NARROW NO-BREAK SPACE}"
WORDS = {
    "not_weak": "not weak",
    "not_enough_data": "not enough data",
    "given_up": "given up",
    "sent_back": "sent back",
}
Number = float | int | None


@register.filter
def percent(value: Number) -> str:
    """An accuracy or a share: .4153 -> 41.5%."""
    return "–" if value is None else f"{100 * value:.1f}%"


@register.filter
def points(value: Number) -> str:
    """A difference of accuracies in percentage points, with its sign: .1 -> +10.0, -.02 -> −2.0."""
    if value is None:
        return "–"
    rounded = round(100 * value, 1)
    sign = "+" if rounded > 0 else MINUS if rounded < 0 else "±"
    return f"{sign}{abs(rounded):.1f}"


@register.filter
def signed(value: Number) -> str:
    """A difference that is no share, with its sign: .25 -> +0.25, -.5 -> −0.50."""
    if value is None:
        return "–"
    rounded = round(value, 2)
    sign = "+" if rounded > 0 else MINUS if rounded < 0 else "±"
    return f"{sign}{abs(rounded):.2f}"


@register.filter
def count(value: Number) -> str:
    """How many: 1024 -> 1,024."""
    return "–" if value is None else f"{value:,.0f}"


@register.filter
def money(value: Decimal | None) -> str:
    """A sum without a currency, as exact as it is small: 12.34, 0.001250; nothing is 0."""
    if not value:
        return "0"
    return f"{value:,.2f}" if value >= 1 else f"{value:.6f}"


@register.filter
def sparse(value: float) -> str:
    """A setting with no more digits than it has: 0.000001 -> 1e-06, 0.04 -> 0.04."""
    return f"{float(value):g}"


@register.filter
def setting(value: object) -> str:
    """A setting as its form holds it: 1e-06, true, {"adam_beta2": 0.95}; nothing is none."""
    return value_text(value) or "none"


@register.filter
def seconds(value: Number) -> str:
    """How long: 7 -> 7 s, 192 -> 3 min 12 s, 7500 -> 2 h 05 min."""
    if value is None:
        return ""
    whole = round(value)
    if whole < 60:
        return f"{whole}{THIN}s"
    if whole < 3600:
        return f"{whole // 60}{THIN}min {whole % 60:02d}{THIN}s"
    return f"{whole // 3600}{THIN}h {whole % 3600 // 60:02d}{THIN}min"


@register.filter
def ago(value: datetime | None) -> str:
    """How long ago, in the unit that matters."""
    if value is None:
        return "never"
    passed = (timezone.now() - value).total_seconds()
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if passed >= size:
            return f"{int(passed // size)}{THIN}{unit} ago"
    return "just now" if passed < 5 else f"{int(passed)}{THIN}s ago"


@register.filter
def words(value: str) -> str:
    """A stored word as people read it: not_enough_data -> not enough data."""
    return WORDS.get(value, str(value).replace("_", " "))


@register.filter
def short(value: str) -> str:
    """The first twelve digits of a hash; they name it well enough to compare by eye."""
    return value[:12]


@register.simple_tag(takes_context=True)
def query(context: template.Context, **changes: str | int | None) -> str:
    """This page's query string with ``changes``; None takes a key out."""
    wanted: QueryDict = context["request"].GET.copy()
    for key, value in changes.items():
        wanted.pop(key, None)
        if value not in (None, ""):
            wanted[key] = str(value)
    return "?" + wanted.urlencode()


@register.simple_tag(takes_context=True)
def query_at(context: template.Context, key: str, value: str | int) -> str:
    """This page's query string from its first rows on with one filter set; an empty value takes it out."""
    return query(context, **{key: value, "after": None})


@register.simple_tag(takes_context=True)
def tab(context: template.Context, name: str, text: str, key: str) -> SafeString:
    """One tab of the campaign: a link to its page ``name``, the current one (``tab`` in the context) marked."""
    try:
        address = reverse(name, args=[context["campaign"].slug])
    except NoReverseMatch:
        return SafeString("")
    current = SafeString(' aria-current="page"') if context.get("tab") == key else ""
    return format_html('<a href="{}"{}>{}</a>', address, current, text)


@register.simple_tag
def icon(name: str) -> SafeString:
    """A sign from static/icons.svg, for eyes only: the word beside it says the same."""
    sheet = static("icons.svg")
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>', sheet, name)


@register.inclusion_tag("core/_chip.html")
def chip(state: str, text: str = "") -> dict[str, str]:
    """A state as a word with a sign and a colour, so that colour is never alone."""
    tone, sign = CHIPS.get(state, ("plain", "dot"))
    return {"tone": tone, "icon": sign, "text": text or words(state)}


CHIPS = {
    "weak": ("weak", "down"),
    "not_weak": ("good", "check"),
    "not_enough_data": ("open", "question"),
    "promoted": ("good", "check"),
    "promote": ("good", "check"),
    "rejected": ("bad", "cross"),
    "wait": ("open", "person"),
    "accepted": ("good", "check"),
    "held": ("open", "person"),
    "checking": ("busy", "play"),
    "fixed": ("good", "check"),
    "broken": ("bad", "cross"),
    "same_right": ("plain", "check"),
    "same_wrong": ("plain", "cross"),
    "checked": ("plain", "dots"),
    "written": ("plain", "dots"),
    "succeeded": ("good", "check"),
    "running": ("busy", "play"),
    "waiting": ("plain", "dots"),
    "paused": ("open", "pause"),
    "failed": ("bad", "alert"),
    "errored": ("bad", "alert"),
    "cancelled": ("plain", "cross"),
    "answered": ("good", "check"),
    "sent": ("busy", "play"),
    "unknown": ("open", "question"),
    "approved": ("good", "check"),
    "submitted": ("open", "person"),
    "sent_back": ("bad", "back"),
    "correct": ("good", "check"),
    "incorrect": ("weak", "cross"),
    "unscored": ("open", "question"),
    "ok": ("good", "check"),
    "not_ok": ("bad", "cross"),
    "target": ("weak", "target"),
    "replay": ("plain", "loop"),
    "protected": ("plain", "shield"),
    "done": ("good", "check"),
    "person": ("open", "person"),
    "open": ("busy", "play"),
    "stale": ("plain", "loop"),
}
