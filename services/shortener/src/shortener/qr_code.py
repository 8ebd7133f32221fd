"""QR codes of short URLs, as SVG or PNG."""

import io
from typing import Literal

import segno

Format = Literal["svg", "png"]
ErrorCorrection = Literal["L", "M", "Q", "H"]

MIN_SIZE, MAX_SIZE = 50, 2000
"""Pixels."""
MAX_MARGIN = 20
"""Modules, which are the squares that a code is made of."""


class UrlTooLongError(Exception):
    """No QR code has room for the URL at this level of error correction."""


def draw_qr_code(
    url: str, *, format: Format, size: int, margin: int, error_correction: ErrorCorrection
) -> bytes:
    """Draw the code with a quiet zone of `margin` modules around it.

    An SVG is exactly `size` pixels wide. A PNG is as wide as whole pixels for each module allow,
    at most `size` unless that is less than a pixel for each. The level of error correction is
    raised where that does not make the code larger.

    Raises:
        UrlTooLongError: it has no room, as for 128 emoji, of which each is 12 characters in a URL.
    """
    try:
        code = segno.make(url, micro=False, error=error_correction)
    except segno.DataOverflowError:
        raise UrlTooLongError from None
    modules = code.symbol_size(border=margin)[0]
    out = io.BytesIO()
    if format == "png":
        code.save(out, kind="png", border=margin, scale=max(1, size // modules), light="#fff")
        return out.getvalue()
    code.save(out, kind="svg", border=margin, light="#fff", xmldecl=False, omitsize=True)
    # Without a size it has a viewBox, which any size fits; segno's own is in modules.
    sized = b'<svg width="%d" height="%d" ' % (size, size)
    return out.getvalue().replace(b"<svg ", sized, 1)
