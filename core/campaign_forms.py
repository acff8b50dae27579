"""Forms of a campaign's admin pages; services check once more what they are told."""

from typing import Any

from django import forms

from core.access import GRANTS
from core.campaign_file import KEY_ENV
from core.errors import InvalidInput
from core.models import Endpoint
from core.roles import CHAT_ROLES, ROLES, TIMEOUTS_S

ROLE_CHOICES = [(role, role.replace("_", " ")) for role in ROLES]
PLAIN = {"autocomplete": "off", "spellcheck": "false"}


def timeouts_told() -> str:
    """What an empty time-out stands for, in a sentence."""
    roles: dict[float, list[str]] = {}
    for role, seconds in TIMEOUTS_S.items():
        roles.setdefault(seconds, []).append(role.replace("_", " "))
    usual, *others = sorted(roles, key=lambda seconds: -len(roles[seconds]))
    told = [f"{seconds:g} for {', '.join(roles[seconds])}" for seconds in others]
    return f"After which a call counts as lost. Empty: {'; '.join(told)}; {usual:g} for the others."


class EndpointForm(forms.Form):
    """One server for one or more roles."""

    roles = forms.MultipleChoiceField(choices=ROLE_CHOICES, widget=forms.CheckboxSelectMultiple)
    base_url = forms.CharField(
        max_length=300, label="Base URL", help_text="As clients take it, with /v1: http://127.0.0.1:9000/v1"
    )
    model = forms.CharField(max_length=120)
    key_env = forms.RegexField(
        KEY_ENV,
        required=False,
        max_length=60,
        label="Key variable",
        help_text="The variable or secret file that holds the key, like OPENAI_API_KEY; empty where none is needed.",
        error_messages={"invalid": "A name in capitals that ends in KEY or TOKEN."},
    )
    concurrency = forms.IntegerField(min_value=1, max_value=1024, initial=16, help_text="Calls at once.")
    timeout_s = forms.FloatField(
        min_value=1, max_value=3600, required=False, label="Time-out, seconds", help_text=timeouts_told()
    )
    price_in = forms.FloatField(min_value=0, max_value=999_999, initial=0, label="Price in, a million tokens")
    price_out = forms.FloatField(min_value=0, max_value=999_999, initial=0, label="Price out, a million tokens")
    price_image = forms.FloatField(min_value=0, max_value=999_999, initial=0, label="Price of an edited picture")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        plain_inputs(self)

    @property
    def endpoint_fields(self) -> dict[str, Any]:
        """What ``endpoints_set`` takes besides the roles."""
        return {name: value for name, value in self.cleaned_data.items() if name != "roles"}


class MemberForm(forms.Form):
    """A person and what they may do."""

    user = forms.CharField(max_length=150, label="User name")
    role = forms.ChoiceField(choices=[(role, role) for role in GRANTS], initial="viewer")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        plain_inputs(self)


def plain_inputs(form: forms.Form) -> None:
    """Numbers are typed as text: a browser's arrows and its own rounding help nobody here."""
    form.label_suffix = ""
    for field in form.fields.values():
        if isinstance(field.widget, forms.NumberInput):
            field.widget = forms.TextInput(attrs={**PLAIN, "inputmode": "decimal"})
        elif isinstance(field.widget, forms.TextInput):
            field.widget.attrs |= PLAIN


def endpoint_initial(rows: list[Endpoint], role: str) -> dict[str, Any]:
    """What the form starts with: the endpoint of ``role``, or the roles that nobody plays."""
    row = next((one for one in rows if one.role == role), None)
    if row is None:
        played = {one.role for one in rows}
        return {"roles": [role for role in CHAT_ROLES if role not in played]}
    names = [name for name in EndpointForm.base_fields if name != "roles"]
    return {"roles": [row.role], **{name: plain_value(getattr(row, name)) for name in names}}


def plain_value(value: Any) -> Any:
    """A stored number without the zeros of its column."""
    return value if isinstance(value, (str, int)) else f"{float(value):g}"


def error_show(form: forms.Form, error: InvalidInput) -> None:
    """A service's error beside the field that it names, else above the form."""
    name = error.field if error.field in form.fields else None
    form.add_error(name, str(error).removeprefix(f"{error.field}: "))
