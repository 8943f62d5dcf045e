"""The colours of an image in any mode, as sRGB: its profile, its depth, what shines through it."""

import io

import numpy as np
from PIL import Image, ImageChops, ImageCms

LARGEST_PROFILE = 2**24  # bytes; those of printers have up to four million
DEPTHS = (8, 10, 12, 14, 16)  # bits
_BLACK_POINT = ImageCms.Flags.BLACKPOINTCOMPENSATION


class ImageError(Exception):
    """An image that can't be used; the message is the reason, in one line."""


def as_srgb(image: Image.Image) -> Image.Image:
    """Returns an image of any mode as sRGB, over white.

    Greys of more than 8 bits are scaled by the depth that holds them, floats from [0, 1] too.
    """
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        values = np.asarray(image)
        low, high = values.min(), values.max()
        # Scanners put 10, 12 or 14 bits into files of 16.
        white = next((2**bits - 1 for bits in DEPTHS if high <= 2**bits - 1), None)
        if not low >= 0 or white is None:
            raise ImageError(f"grey values from {low} to {high}, of which none is known to be white")
        if image.mode == "F" and high <= 1:
            white = 1
        return Image.fromarray((values.astype(np.float32) * (255 / white) + 0.5).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        profile = image.info.get("icc_profile")
        image = image if "A" in image.getbands() else image.convert("RGBA")
        colours = _srgb(image.convert("RGB"), profile)
        colours.paste("white", mask=ImageChops.invert(image.getchannel("A")))  # in place, for memory
        return colours
    return _srgb(image, image.info.get("icc_profile"))


def scaled(image: Image.Image) -> Image.Image:
    """Returns colours of 16 bits, of which Pillow keeps the upper 8, where a scanner filled only the lower 14 or fewer."""
    high = int(np.max(image.getextrema()))
    bits = next((bits - 8 for bits in DEPTHS[1:] if high < 2 ** (bits - 8)), 8)
    stretched = image.point(lambda value: value * 255 / (2**bits - 1))
    stretched.info = image.info
    return stretched if bits < 8 else image


def _srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """RGB in the colours that a profile says; without one, or with one that is damaged or of another kind, as the numbers are."""
    if image.mode in ("P", "PA", "1", "RGBA", "LA", "YCbCr", "HSV"):
        image = image.convert("RGB" if image.mode != "1" else "L")
    if image.mode == "LAB" and not profile:
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    if not profile or len(profile) > LARGEST_PROFILE or image.mode not in ("RGB", "CMYK", "L", "LAB"):
        return image.convert("RGB")
    try:
        found = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "srgb" in ImageCms.getProfileDescription(found).lower():
            return image.convert("RGB")
        srgb = ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, found, srgb, ImageCms.Intent.RELATIVE_COLORIMETRIC, "RGB", flags=_BLACK_POINT)
        return converted if converted is not None else image.convert("RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image.convert("RGB")
