"""The list of JPEGs of the corpus. Used by make_corpus."""

from PIL import Image

from . import icc, raw_jpeg
from .entry import Recipe
from .pictures import SIZE, grays, quadrants, saved

_SECRET = b"here it was taken: 48.2N 16.3E"
_TURNS = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""The transposition that turns an upright picture into the one stored with each orientation."""


def recipes() -> list[Recipe]:
    plain = saved(quadrants(), "JPEG", quality=95, subsampling=0)
    progressive = saved(quadrants(), "JPEG", quality=95, subsampling=0, progressive=True)
    return [
        _shown("jpeg-plain", plain),
        _shown("jpeg-garbage-after-end", plain + b"\0garbage\xff\xda" * 400),
        _shown("jpeg-progressive", progressive),
        _shown("jpeg-with-metadata", _with_metadata()),
        *_broken(plain, progressive),
        *_broken_exif(plain),
        *_orientations(),
        *_inks(),
        *_profiles(plain),
        _shown("jpeg-gray", saved(grays(), "JPEG", quality=95), shows="grays"),
        # libjpeg-turbo decodes arithmetic coding. Huffman-coded bytes decoded that way give an arbitrary picture
        # and only warnings.
        _shown("jpeg-arithmetic", raw_jpeg.with_frame_code(plain, 0xC9), shows=None),
        _shown("jpeg-of-a-stereo-camera", saved(quadrants(), "MPO", save_all=True, append_images=[grays()])),
        Recipe("jpeg-65500x1", saved(Image.new("RGB", (65_500, 1), "teal"), "JPEG"), width=65_500, height=1),
        Recipe("jpeg-1x65500", saved(Image.new("RGB", (1, 65_500), "teal"), "JPEG"), width=1, height=65_500),
        Recipe("jpeg-1x1", saved(Image.new("RGB", (1, 1), "teal"), "JPEG"), width=1, height=1),
    ]


def _shown(name: str, data: bytes, shows: str | None = "quadrants") -> Recipe:
    return Recipe(name, data, width=SIZE[0], height=SIZE[1], shows=shows)


def _broken(plain: bytes, progressive: bytes) -> list[Recipe]:
    scans = raw_jpeg.with_repeated_last_scan(progressive, 1_000)
    planes = raw_jpeg.with_repeated_last_scan(_planes_apart(), 1_000)
    bad_table = raw_jpeg.with_segment(plain, 0xDB, b"\x00" + bytes(20))
    return [
        Recipe("jpeg-truncated", plain[: len(plain) * 2 // 3], "corrupt_image"),
        Recipe("jpeg-cut-in-its-header", plain[:200], "corrupt_image"),
        Recipe("jpeg-only-a-start", b"\xff\xd8\xff", "corrupt_image"),
        Recipe("jpeg-missing-quantization-table", raw_jpeg.with_missing_table(plain), "corrupt_image"),
        Recipe("jpeg-short-quantization-table", bad_table, "corrupt_image"),
        Recipe("jpeg-thousand-scans", scans, "corrupt_image"),
        Recipe("jpeg-thousand-scans-not-progressive", planes, "corrupt_image"),
        Recipe("jpeg-claims-no-height", raw_jpeg.with_size(plain, 96, 0), "corrupt_image"),
        Recipe("jpeg-claims-too-much", raw_jpeg.with_size(plain, 60_000, 60_000), "too_many_pixels"),
        Recipe(
            "jpeg-progressive-claims-too-much",
            raw_jpeg.with_size(progressive, 9_000, 9_000),
            "too_many_pixels",
        ),
        Recipe(
            "jpeg-million-empty-segments",
            b"\xff\xd8" + b"\xff\xfe\0\x02" * 300_000 + plain[2:],
            "corrupt_image",
        ),
        Recipe(
            "jpeg-junk-between-segments",
            b"\xff\xd8\xff\xfe\0\x02" + bytes(2_000_000) + plain[2:],
            "corrupt_image",
        ),
    ]


def _planes_apart() -> bytes:
    """A sequential JPEG with one scan per plane: the scans of three gray pictures after one header."""
    first = raw_jpeg.take_apart(saved(grays(), "JPEG"))
    frame = bytearray(next(part.body for part in first if part.code == 0xC0))
    frame[5:] = b"\x03" + b"".join(bytes((number, 0x11, 0)) for number in (1, 2, 3))
    scan = next(part for part in first if part.code == 0xDA)
    head = [part for part in first if part.code not in (0xC0, 0xDA)]
    scans = [raw_jpeg.Segment(0xDA, bytes((1, number, 0, 0, 63, 0)), scan.coded) for number in (1, 2, 3)]
    return raw_jpeg.put_together([*head, raw_jpeg.Segment(0xC0, bytes(frame)), *scans])


def _broken_exif(plain: bytes) -> list[Recipe]:
    block = raw_jpeg.exif(6)
    bodies = {
        "garbage": b"Exif\0\0" + b"\xa5" * 300,
        "cut": block[:17],
        "pointing-outside": b"Exif\0\0II*\0\xf0\xff\xff\xff",
        "endless": b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\x01\x12\0\x03\xff\xff\xff\xff\0\x63\0\0" * 5_000,
        "orientation-99": raw_jpeg.exif(99),
    }
    return [
        _shown(f"jpeg-exif-{name}", raw_jpeg.with_segment(plain, 0xE1, body)) for name, body in bodies.items()
    ]


def _orientations() -> list[Recipe]:
    made = []
    for orientation, turn in _TURNS.items():
        stored = quadrants() if turn is None else quadrants().transpose(turn)
        data = raw_jpeg.with_segment(
            saved(stored, "JPEG", quality=95, subsampling=0), 0xE1, raw_jpeg.exif(orientation)
        )
        made.append(_shown(f"jpeg-orientation-{orientation}", data))
    return made


def _inks() -> list[Recipe]:
    profile = icc.exchanged_inks_profile()
    inks = _printed(by_profile=False)
    exchanged = _printed(by_profile=True)
    return [
        _shown("jpeg-cmyk", saved(inks, "JPEG", quality=95)),
        _shown("jpeg-cmyk-with-profile", saved(exchanged, "JPEG", quality=95, icc_profile=profile)),
        _shown("jpeg-ycck", _ycck(inks)),
        _shown("jpeg-ycck-with-profile", _ycck(exchanged, icc_profile=profile)),
    ]


def _printed(*, by_profile: bool) -> Image.Image:
    """The quadrants in CMYK; `by_profile`: with the inks of the press of icc.exchanged_inks_profile."""
    red, green, blue = (_inverted(plane) for plane in quadrants().split())
    black = Image.new("L", SIZE, 0)
    return Image.merge("CMYK", (blue, red, green, black) if by_profile else (red, green, blue, black))


def _ycck(inks: Image.Image, **options: object) -> bytes:
    """YCCK as Adobe writes it: the file holds YCbCr of C, M, Y taken for R, G, B, and 255 - K."""
    *three, black = inks.split()
    looks = Image.merge("RGB", three).convert("YCbCr")
    planes = [_inverted(plane) for plane in looks.split()]  # Pillow inverts them again as it writes
    data = saved(Image.merge("CMYK", (*planes, black)), "JPEG", quality=95, **options)
    return raw_jpeg.with_adobe_transform(data, 2)


def _inverted(plane: Image.Image) -> Image.Image:
    return plane.point([255 - value for value in range(256)])


def _profiles(plain: bytes) -> list[Recipe]:
    broken = b"ICC_PROFILE\0\x01\x01" + b"\x07" * 500
    return [
        _shown("jpeg-srgb-profile", saved(quadrants(), "JPEG", quality=95, icc_profile=icc.srgb_profile())),
        _shown(
            "jpeg-p3-profile",
            saved(quadrants(), "JPEG", quality=95, icc_profile=icc.display_p3_profile()),
            None,
        ),
        _shown("jpeg-broken-profile", raw_jpeg.with_segment(plain, 0xE2, broken)),
        _shown(
            "jpeg-profile-of-other-space",
            saved(quadrants(), "JPEG", quality=95, subsampling=0, icc_profile=icc.exchanged_inks_profile()),
        ),
    ]


def _with_metadata() -> bytes:
    exif = Image.Exif()
    exif[0x010E] = _SECRET.decode()
    exif.get_ifd(0x8825)[1] = "N"
    return saved(
        quadrants(),
        "JPEG",
        quality=95,
        subsampling=0,
        exif=exif,
        comment=_SECRET,
        xmp=_SECRET,
        icc_profile=icc.display_p3_profile(),
    )
