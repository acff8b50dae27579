"""The teacher's answer to the endpoint test: it looks at the pixels, since the test's picture tells of no scene."""

import base64
import io

from PIL import Image, ImageStat

PROBE = "EndpointProbe"
COLOURS = ("red", "green", "blue")
UNSEEN = "unseen"


def colour_of(url: str) -> str:
    """The strongest colour of a data URL's picture; ValueError where there is none to see."""
    try:
        with Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) as picture:
            means = ImageStat.Stat(picture.convert("RGB")).mean
    except (OSError, SyntaxError) as error:
        raise ValueError("the picture cannot be read") from error
    return COLOURS[means.index(max(means))]
