"""Files that are not accepted images, and valid images under unusual names. Used by make_corpus."""

import io
import zipfile

from PIL import Image

from .entry import Recipe
from .pictures import SIZE, quadrants, saved

_SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>alert(1)</script></svg>'
_PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj\ntrailer<</Size 4/Root 1 0 R>>\n%%EOF\n"
)
_HTML = b"<!doctype html><title>no picture</title><script>alert(1)</script>"


def recipes() -> list[Recipe]:
    refused = {
        "text-named-jpg": (b"This is only text.\n" * 40, "holiday.jpg"),
        "text-that-starts-like-bmp": (b"BM is how this text begins, and it goes on for a while.", "note.bmp"),
        "html-named-png": (_HTML, "page.png"),
        "svg": (_SVG, "drawing.svg"),
        "svg-with-declaration": (b'<?xml version="1.0"?>\n' + _SVG, "drawing.png"),
        "pdf": (_PDF, "scan.pdf"),
        "zip": (_zip(), "photos.zip"),
        "ico": (saved(quadrants("RGBA", (32, 32)), "ICO"), "favicon.ico"),
        "psd": (
            b"8BPS\0\x01" + bytes(6) + b"\0\x03\0\0\0\x40\0\0\0\x40\0\x08\0\x03" + bytes(40),
            "layers.psd",
        ),
        "scan-of-jpeg-2000": (saved(quadrants(), "JPEG2000"), "scan.jp2"),
        "ppm": (saved(quadrants(), "PPM"), "raw.ppm"),
        "mp4": (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(400), "clip.heic"),
        "one-byte": (b"\xff", "a.jpg"),
        "zeros": (bytes(5_000), "zeros.png"),
    }
    return [
        Recipe("empty", b"", "empty_file", client_name="empty.jpg"),
        *(
            Recipe(name, data, "unsupported_type", client_name=client_name)
            for name, (data, client_name) in refused.items()
        ),
        *_names(),
    ]


def _zip() -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        archive.writestr(
            zipfile.ZipInfo("photo.jpg", (2026, 1, 1, 0, 0, 0)), saved(Image.new("RGB", (9, 9)), "JPEG")
        )
    return memory.getvalue()


def _names() -> list[Recipe]:
    jpeg = saved(quadrants(), "JPEG", quality=95, subsampling=0)
    png = saved(quadrants(), "PNG")
    unusual = {
        "name-climbing": (jpeg, "../../../../etc/passwd.jpg"),
        "name-climbing-backwards": (jpeg, "..\\..\\windows\\system.jpg"),
        "name-with-nul": (jpeg, "photo\0.jpg"),
        "name-with-control-characters": (jpeg, "pho\x07to\x1b[31m\x7f.jpg"),
        "name-with-line-breaks": (jpeg, "photo\r\nX-Evil: 1.jpg"),
        "name-with-emoji": (jpeg, "\N{MOTORWAY}\N{SNOWMAN} trip.jpg"),
        "name-right-to-left": (jpeg, "photo\N{RIGHT-TO-LEFT OVERRIDE}gpj.exe"),
        "name-too-long": (jpeg, "long-" * 60 + ".jpg"),
        "name-too-long-in-bytes": (jpeg, "\N{SNOWMAN}" * 100 + ".jpg"),
        "name-with-markup": (jpeg, "<img src=x onerror=alert(1)>.jpg"),
        "name-with-quotes": (jpeg, "a\"b'c;d.jpg"),
        "name-blank": (jpeg, ""),
        "name-only-dots": (jpeg, ".."),
        "name-without-extension": (jpeg, "photo"),
        "name-twice-first": (jpeg, "same.jpg"),
        "name-twice-second": (png, "same.jpg"),
        "name-of-another-type": (png, "really-a-png.gif"),
    }
    return [
        Recipe(name, data, width=SIZE[0], height=SIZE[1], shows="quadrants", client_name=client_name)
        for name, (data, client_name) in unusual.items()
    ]
