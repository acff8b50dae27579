"""Units: which names mean the same one, and how many of one make another."""

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

_LENGTH, _MASS, _TIME, _VOLUME = "length", "mass", "time", "volume"
_TABLE: Final[tuple[tuple[str, str, str], ...]] = (  # dimension, size, names
    (_LENGTH, "1/1000000000", "nm nanometer nanometers nanometre nanometres"),
    (_LENGTH, "1/1000000", "\u03bcm um micrometer micrometers micrometre micrometres micron microns"),
    (_LENGTH, "1/1000", "mm millimeter millimeters millimetre millimetres"),
    (_LENGTH, "1/100", "cm centimeter centimeters centimetre centimetres"),
    (_LENGTH, "1", "m meter meters metre metres"),
    (_LENGTH, "1000", "km kilometer kilometers kilometre kilometres"),
    (_LENGTH, "0.0254", "inch in inches"),
    (_LENGTH, "0.3048", "ft foot feet"),
    (_LENGTH, "0.9144", "yd yard yards"),
    (_LENGTH, "1609.344", "mile mi miles"),
    (_MASS, "1/1000", "mg milligram milligrams"),
    (_MASS, "1", "g gram grams"),
    (_MASS, "1000", "kg kilogram kilograms"),
    (_MASS, "1000000", "tonne tonnes"),
    (_MASS, "28.349523125", "oz ounce ounces"),
    (_MASS, "453.59237", "lb lbs"),
    (_TIME, "1/1000", "ms millisecond milliseconds"),
    (_TIME, "1", "s sec secs second seconds"),
    (_TIME, "60", "min mins minute minutes"),
    (_TIME, "3600", "h hr hrs hour hours"),
    (_TIME, "86400", "day days"),
    (_TIME, "604800", "week weeks"),
    ("calendar", "1", "month months"),
    ("calendar", "12", "year years yr yrs"),
    (_VOLUME, "1/1000", "ml milliliter milliliters millilitre millilitres"),
    (_VOLUME, "1", "l liter liters litre litres"),
    ("speed", "1", "km/h kph kmh"),
    ("speed", "3.6", "m/s"),
    ("speed", "1.609344", "mph"),
    ("frequency", "1", "hz hertz"),
    ("frequency", "1000", "khz"),
    ("voltage", "1", "v volt volts"),
    ("power", "1", "w watt watts"),
    ("power", "1000", "kw kilowatt kilowatts"),
    ("energy", "1", "j joule joules"),
    ("energy", "1000", "kj kilojoule kilojoules"),
    ("force", "1", "n newton newtons"),
    ("resistance", "1", "\u03c9 ohm ohms"),
    ("dollar", "1", "dollar $ us$ dollars usd"),
    ("dollar", "1/100", "cent cents \u00a2"),
    ("euro", "1", "euro \u20ac euros eur"),
    ("pound", "1", "\u00a3 gbp"),
    ("yen", "1", "\u00a5 yen jpy"),
    ("degrees", "1", "degrees degree deg"),
    ("celsius", "1", "celsius \u00b0c"),
    ("fahrenheit", "1", "fahrenheit \u00b0f"),
)
_DEGREES: Final = frozenset({"degrees", "celsius", "fahrenheit"})
_DEGREE_OF: Final = re.compile(r"^(?:degrees?|deg) (c|celsius|f|fahrenheit)\b\.?")
_SQUARE: Final = re.compile(r"^(?:sq\.?|square|(cubic)) ([a-z]+)")
_NAME: Final = re.compile(
    r"(?P<name>[a-z\u03bc\u03c9\u00a2\u00a3\u00a5\u20ac$]+(?:/[a-z]+)?)(?:\^\{?(?P<power>-?[1-9])\}?|(?P<digit>[23]))?"
)


@dataclass(frozen=True)
class Unit:
    """A known unit; ``size`` is how many of its dimension's base unit it holds."""

    name: str
    dimension: str
    size: Fraction
    power: int = 1


UNITS: Final = {
    name: Unit(names.split()[0], dimension, Fraction(size))
    for dimension, size, names in _TABLE
    for name in names.split()
}


def leading_unit(text: str) -> tuple[Unit | None, str]:
    """The unit that case folded words begin with, if any, and the words behind it."""
    text = _DEGREE_OF.sub(lambda m: "celsius" if m[1].startswith("c") else "fahrenheit", text)
    text = _SQUARE.sub(lambda m: f"{m[2]}^3" if m[1] else f"{m[2]}^2", text)
    word, _, rest = text.partition(" ")
    match = _NAME.fullmatch(word.rstrip(".,;"))
    unit = UNITS.get(match["name"]) if match else None
    if match is None or unit is None:
        return None, text
    power = int(match["power"] or match["digit"] or 1)
    return Unit(unit.name, unit.dimension, unit.size, power), rest


def ratio(a: Unit | None, b: Unit | None) -> Fraction | None:
    """How many of ``b`` one ``a`` is; 1 when a unit is not said; None when they measure different things."""
    if a is None or b is None:
        return Fraction(1)
    if {a.dimension, b.dimension} <= _DEGREES:
        return Fraction(1) if "degrees" in (a.dimension, b.dimension) or a == b else None
    same = (a.dimension, a.power) == (b.dimension, b.power)
    return (a.size / b.size) ** a.power if same else None
