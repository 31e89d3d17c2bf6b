"""The reader's own pictures: each is read right, or left out and reported with its reason."""

import io
import os
import struct
import warnings
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin, TiffImagePlugin, features

import avatarlib.data.folder as folder_module
from avatarlib import InputError
from avatarlib.data import read_folder

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 128, 0), (0, 0, 255), (255, 255, 255)


def save(image, path, **settings):
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **settings)
    return path


def plain(colour=RED, side=32, mode="RGB"):
    return Image.new(mode, (side, side), colour)


def read_one(path, size=16, **settings):
    """The only picture of a folder, with nothing left out."""
    avatars, left_out = read_folder(path, size, **settings)
    assert left_out == {} and avatars.images.shape == (1, size, size, 3)
    return avatars.images[0]


def all_close(picture, colour, tolerance=0):
    return np.abs(picture.astype(int) - colour).max() <= tolerance


# ------------------------------------------------------------------------------ modes and formats


def half_transparent():
    """Left half red, right half green and fully transparent."""
    image = plain((*RED, 255), mode="RGBA")
    image.paste((*GREEN, 0), (16, 0, 32, 32))
    return image


def palette_with_transparency():
    image = Image.new("P", (32, 32), 0)
    image.putpalette([*RED, *GREEN])
    image.paste(1, (16, 0, 32, 32))
    return image


def grey_with_alpha():
    image = Image.new("LA", (32, 32), (90, 255))
    image.paste((200, 0), (16, 0, 32, 32))
    return image


@pytest.mark.parametrize("background, rgb", [("white", WHITE), ("#0000ff", BLUE)])
@pytest.mark.parametrize(
    "image, settings, left",
    [
        (half_transparent(), {}, RED),
        (palette_with_transparency(), {"transparency": 1}, RED),
        (palette_with_transparency(), {"transparency": bytes([255, 0])}, RED),
        (grey_with_alpha(), {}, (90, 90, 90)),
    ],
    ids=["RGBA", "palette", "palette with alpha", "LA"],
)
def test_transparent_places_show_the_background(tmp_path, image, settings, left, background, rgb):
    save(image, tmp_path / "a.png", **settings)
    picture = read_one(tmp_path, background=background)
    assert all_close(picture[:, :4], left)
    assert all_close(picture[:, 12:], rgb)


def test_half_transparent_colours_are_mixed(tmp_path):
    save(plain((255, 0, 0, 128), mode="RGBA"), tmp_path / "a.png")
    assert all_close(read_one(tmp_path, background="#0000ff"), (128, 0, 127), tolerance=1)


@pytest.mark.parametrize(
    "image, ending, expected, tolerance",
    [
        (plain(), "png", RED, 0),
        (plain(77, mode="L"), "png", (77, 77, 77), 0),
        (plain(1, mode="1"), "png", WHITE, 0),
        (palette_with_transparency().crop((0, 0, 16, 32)), "png", RED, 0),
        (plain((0, 255, 255, 0), mode="CMYK"), "jpg", RED, 4),
        (plain((10, 200, 30)), "webp", (10, 200, 30), 6),
        (plain((10, 200, 30)), "bmp", (10, 200, 30), 0),
        (plain((10, 200, 30)), "tif", (10, 200, 30), 0),
        (plain((10, 200, 30)), "ppm", (10, 200, 30), 0),
    ],
    ids=["RGB", "L", "1 bit", "palette", "CMYK JPEG", "WebP", "BMP", "TIFF", "PPM"],
)
def test_every_mode_becomes_the_same_colour(tmp_path, image, ending, expected, tolerance):
    save(image, tmp_path / f"a.{ending}")
    assert all_close(read_one(tmp_path), expected, tolerance)


@pytest.mark.parametrize("value, grey", [(0, 0), (257, 1), (33024, 128), (1000, 4), (65535, 255)])
def test_grey_of_16_bits_is_scaled_and_not_clipped(tmp_path, value, grey):
    save(Image.fromarray(np.full((32, 32), value, dtype=np.uint16)), tmp_path / "a.png")
    assert all_close(read_one(tmp_path), grey)


def test_pixels_without_a_stated_range_are_left_out(tmp_path):
    save(Image.fromarray(np.full((32, 32), 0.5, dtype=np.float32)), tmp_path / "float.tif")
    save(Image.fromarray(np.full((32, 32), 70_000, dtype=np.int32)), tmp_path / "deep.tif")
    save(plain(), tmp_path / "good.png")
    left_out = read_folder(tmp_path, 16)[1]
    assert "floating-point" in left_out["float.tif"] and "16 bits" in left_out["deep.tif"]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_turned_upright(tmp_path, orientation):
    """Stored as a camera stores it, with a red corner that belongs at the top left."""
    upright = plain(WHITE)
    upright.paste(RED, (0, 0, 16, 8))
    stored = {  # how the upright picture is turned into what the camera's sensor saw
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = upright if stored is None else upright.transpose(stored)
    save(image, tmp_path / "a.png", exif=exif)
    assert (read_one(tmp_path, 32) == np.asarray(upright)).all()


def test_of_an_animation_the_first_frame_counts(tmp_path):
    frames = [plain(GREEN), plain(BLUE)]
    save(plain(RED), tmp_path / "a.gif", save_all=True, append_images=frames, duration=50)
    assert Image.open(tmp_path / "a.gif").n_frames == 3
    assert all_close(read_one(tmp_path), RED)


# ------------------------------------------------------------------------------- size and shape


@pytest.mark.parametrize("fit", ["crop", "pad"])
def test_reducing_averages_and_does_not_pick_pixels(tmp_path, fit):
    board = np.indices((256, 256)).sum(axis=0) % 2 * 255
    save(Image.fromarray(board.astype(np.uint8)), tmp_path / "a.png")
    assert all_close(read_one(tmp_path, 32, fit=fit), 127.5, tolerance=2)


def stripes(size):
    """Red, white and blue thirds along the longer side."""
    image = Image.new("RGB", size, WHITE)
    width, height = size
    across = width > height
    third = max(size) // 3
    image.paste(RED, (0, 0, third, height) if across else (0, 0, width, third))
    last = (width - third, 0, width, height) if across else (0, height - third, width, height)
    image.paste(BLUE, last)
    return image


@pytest.mark.parametrize("size", [(96, 32), (32, 96)])
def test_crop_keeps_the_middle_of_the_longer_side(tmp_path, size):
    save(stripes(size), tmp_path / "a.png")
    assert all_close(read_one(tmp_path, 32, fit="crop"), WHITE)


def test_pad_keeps_everything_and_adds_background(tmp_path):
    save(stripes((96, 32)), tmp_path / "a.png")
    picture = read_one(tmp_path, 24, fit="pad", background="#00ff00")
    assert all_close(picture[:8], (0, 255, 0)) and all_close(picture[16:], (0, 255, 0))
    for column, colour in ((3, RED), (12, WHITE), (20, BLUE)):
        assert all_close(picture[9:15, column], colour)


def test_pictures_that_would_have_to_be_blown_up_are_left_out(tmp_path):
    for side in (31, 32, 33):
        save(plain(side=side), tmp_path / f"{side}.png")
    save(Image.new("RGB", (100, 20)), tmp_path / "flat.png")
    avatars, left_out = read_folder(tmp_path, 32)
    assert avatars.options["files"] == ["32.png", "33.png"]
    assert left_out == dict.fromkeys(["31.png", "flat.png"], "smaller than 32 pixels")


def test_a_strip_that_padding_would_make_vanish_is_left_out(tmp_path):
    save(Image.new("L", (16, 16 * 40)), tmp_path / "strip.png")
    save(plain(), tmp_path / "good.png")
    assert list(read_folder(tmp_path, 16, fit="pad")[1]) == ["strip.png"]


# ----------------------------------------------------------------------------- what is left out


def png_that_claims(width, height):
    def chunk(name, content):
        check = zlib.crc32(name + content)
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(b"\0" * 1000)
    start = b"\x89PNG\r\n\x1a\n"
    return start + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.fixture
def mixed(tmp_path):
    """A folder with two good pictures among everything that people's folders hold."""
    folder = tmp_path / "mine"
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    for name in ("whole.png", "whole.jpg"):
        save(Image.fromarray(noise), folder / name)
        content = (folder / name).read_bytes()
        (folder / f"cut-{name}").write_bytes(content[: len(content) * 2 // 3])
    (folder / "notes.txt").write_text("not a picture")
    (folder / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    (folder / "empty.png").write_bytes(b"")
    (folder / "huge.png").write_bytes(png_that_claims(50_000, 50_000))
    (folder / "large.png").write_bytes(png_that_claims(9_000, 9_000))
    save(plain(side=8), folder / "tiny.png")
    return folder


REASONS = {
    ".DS_Store": "not a picture that we read",
    "cut-whole.jpg": "damaged or incomplete",
    "cut-whole.png": "damaged or incomplete",
    "empty.png": "not a picture that we read",
    "huge.png": "more than 64 million pixels",
    "large.png": "more than 64 million pixels",
    "notes.txt": "not a picture that we read",
    "tiny.png": "smaller than 16 pixels",
}


def zipped(folder, target):
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, file.relative_to(folder))
    return target


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_everything_that_is_left_out_is_reported_with_its_reason(mixed, tmp_path, kind):
    path = mixed if kind == "folder" else zipped(mixed, tmp_path / "mine.zip")
    avatars, left_out = read_folder(path, 16, licence="CC0 1.0", creator="me")
    assert left_out == REASONS
    assert avatars.options["files"] == ["whole.jpg", "whole.png"]
    assert avatars.credit == f"Avatars: {path.name} by me, licence CC0 1.0."
    assert avatars.attributes == {}


def test_a_folder_and_its_zip_give_the_same_pictures(mixed, tmp_path):
    save(plain(BLUE), mixed / "sub" / "blue.png")
    one = read_folder(mixed, 16)[0]
    other = read_folder(zipped(mixed, tmp_path / "mine.zip"), 16)[0]
    assert (one.images == other.images).all()
    assert one.options["files"] == other.options["files"]
    assert one.labels("folder").tolist() == other.labels("folder").tolist()


def test_subfolders_become_an_attribute(tmp_path):
    for name in ("cats/1.png", "cats/2.png", "dogs/big/1.png", "0.png"):
        save(plain(), tmp_path / name)
    avatars, _ = read_folder(tmp_path, 16)
    assert avatars.options["files"] == ["0.png", "cats/1.png", "cats/2.png", "dogs/big/1.png"]
    assert avatars.labels("folder").tolist() == [".", "cats", "cats", "dogs/big"]


def test_a_file_that_is_too_large_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(folder_module, "MOST_BYTES", 2**20)
    save(plain(), tmp_path / "good.png")
    (tmp_path / "large.png").write_bytes(bytes(2**20 + 1))
    assert read_folder(tmp_path, 16)[1] == {"large.png": "larger than 1 MiB"}


def test_links_are_reported_and_never_walked_in_circles(tmp_path):
    save(plain(), tmp_path / "a.png")
    (tmp_path / "same.png").symlink_to("a.png")
    (tmp_path / "nowhere.png").symlink_to("b.png")
    (tmp_path / "circle.png").symlink_to("circle.png")
    (tmp_path / "up").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe.png")
    avatars, left_out = read_folder(tmp_path, 16)
    assert avatars.options["files"] == ["a.png", "same.png"]
    assert sorted(left_out) == ["circle.png", "nowhere.png", "pipe.png", "up"]
    assert left_out["up"] == "a link to a folder"


def test_what_may_not_be_read_is_reported(locked_folder, as_ordinary_user):
    os.chmod(locked_folder, 0o755)
    save(plain(), locked_folder / "good.png")
    save(plain(), locked_folder / "file.png").chmod(0)
    save(plain(), locked_folder / "closed" / "a.png")
    (locked_folder / "closed").chmod(0)
    assert as_ordinary_user(lambda: read_folder(locked_folder, 16)[1]) == str(
        {"closed": "no permission", "file.png": "no permission"}
    )
    assert "no permission" in as_ordinary_user(lambda: read_folder(locked_folder / "closed", 16))
    inside = locked_folder / "closed" / "more"
    assert as_ordinary_user(lambda: read_folder(inside, 16)).startswith("InputError: There is no")
    (locked_folder / "closed").chmod(0o755)


# ---------------------------------------------------------------------------------------- errors


def refused(path, words, size=16, **settings):
    with pytest.raises(InputError) as caught:
        read_folder(path, size, **settings)
    assert words in str(caught.value)


def test_a_path_without_pictures_is_refused(tmp_path):
    refused(tmp_path, f"No usable picture in {tmp_path} (it is empty)")
    refused(tmp_path / "missing", f"There is no folder or zip file {tmp_path / 'missing'}")
    (tmp_path / "a.txt").write_text("hello")
    refused(tmp_path / "a.txt", "neither a folder nor a zip file")
    refused(tmp_path, "(1 × not a picture that we read)")


def test_arguments_that_make_no_sense_are_refused(tmp_path):
    save(plain(), tmp_path / "a.png")
    for size in (0, -1, 1025, 2.5, "16"):
        refused(tmp_path, repr(size), size=size)
    refused(tmp_path, "'stretch'", fit="stretch")
    for colour in ("whiteish", 7, [1, 2, 3]):
        refused(tmp_path, "is no colour", background=colour)


# ------------------------------------------------------------------------------------- zip files


def png_bytes(colour=RED):
    file = io.BytesIO()
    plain(colour).save(file, "PNG")
    return file.getvalue()


def files_below(folder):
    return sorted(path for path in folder.rglob("*"))


def test_names_that_point_outside_are_left_out_and_nothing_is_unpacked(tmp_path, monkeypatch):
    inside = tmp_path / "work"
    inside.mkdir()
    monkeypatch.chdir(inside)
    bad = ["../out.png", "a/../../out.png", str(tmp_path / "abs.png"), "..\\out.png", "/etc/x.png"]
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("good..png", png_bytes())
        for name in bad:
            archive.writestr(name, png_bytes())
    before = files_below(tmp_path)
    avatars, left_out = read_folder(tmp_path / "a.zip", 16)
    assert avatars.options["files"] == ["good..png"]
    assert set(left_out.values()) == {"its name points outside the zip file"}
    assert len(left_out) == 5
    assert files_below(tmp_path) == before


def with_flag_of_encryption(content):
    """Set the bit "encrypted" in the local header and in the directory of a zip with one file."""
    changed = bytearray(content)
    changed[content.index(b"PK\x03\x04") + 6] |= 1
    changed[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(changed)


def test_an_encrypted_file_is_left_out(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("secret.png", png_bytes())
    (tmp_path / "a.zip").write_bytes(with_flag_of_encryption((tmp_path / "a.zip").read_bytes()))
    refused(tmp_path / "a.zip", "(1 × encrypted)")


def test_a_file_that_unpacks_to_too_much_is_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(folder_module, "MOST_BYTES", 2**20)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.png", bytes(50 * 2**20))
        archive.writestr("good.png", png_bytes())
    assert (tmp_path / "a.zip").stat().st_size < 2**17
    assert read_folder(tmp_path / "a.zip", 16)[1] == {"bomb.png": "larger than 1 MiB"}


def test_damage_inside_a_zip_costs_one_picture_only(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.png", png_bytes(RED))
        archive.writestr("b.png", png_bytes(BLUE))
    content = bytearray((tmp_path / "a.zip").read_bytes())
    content[60] ^= 0xFF
    (tmp_path / "a.zip").write_bytes(content)
    avatars, left_out = read_folder(tmp_path / "a.zip", 16)
    assert left_out == {"a.png": "damaged inside the zip file"}
    assert all_close(avatars.images, BLUE)


def test_a_damaged_zip_is_refused_or_read_in_part(tmp_path):
    """Whatever byte changes: an InputError or a report, never another exception."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("a.png", "b/ü.png"):
            archive.writestr(name, png_bytes())
    content = (tmp_path / "a.zip").read_bytes()
    rng = np.random.default_rng(0)
    path = tmp_path / "damaged.zip"
    for length in range(0, len(content), 29):
        path.write_bytes(content[:length])
        refused(path, str(path))
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] = rng.integers(256)
        path.write_bytes(changed)
        try:
            read_folder(path, 16)
        except InputError as error:
            assert str(path) in str(error)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "PPM"])
def test_a_damaged_picture_is_read_or_left_out(tmp_path, kind):
    """Whatever bytes of the header change, Pillow's many exceptions never come through."""
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    plain().save(file, kind, **({"exif": exif} if kind in ("PNG", "JPEG", "WEBP", "TIFF") else {}))
    rng = np.random.default_rng(0)
    for _ in range(150):
        changed = bytearray(file.getvalue())
        for place in rng.integers(0, min(len(changed), 400), 3):
            changed[place] = rng.integers(256)
        try:
            assert folder_module._open(bytes(changed))[0].mode in ("RGB", "RGBA")
        except folder_module._Unusable:
            pass


# ------------------------------------------------------------- sound pictures with odd companions


def saved(image, name="PNG", **settings):
    file = io.BytesIO()
    image.save(file, name, **settings)
    return file.getvalue()


PLAIN = Image.new("RGB", (40, 40), (200, 60, 60))


@pytest.mark.parametrize("filters", ["default", "error"])
@pytest.mark.parametrize("name", ["PNG", "WEBP", "JPEG"])
def test_a_picture_whose_exif_cannot_be_read_is_taken_as_upright(tmp_path, name, filters):
    torn = b"Exif\0\0II*\0\x08\0\0\0\xff\xff\x12\x01\x03\0"  # claims 65,535 entries
    (tmp_path / "a").write_bytes(saved(PLAIN, name, exif=torn))
    with warnings.catch_warnings():
        warnings.simplefilter(filters)
        avatars, left_out = read_folder(tmp_path, 32)
    assert len(avatars) == 1 and left_out == {}
    assert abs(avatars.images[0, 16, 16].astype(int) - (200, 60, 60)).max() <= 3


@pytest.mark.parametrize("kind", ["text", "compressed text", "profile"])
def test_a_long_text_or_profile_does_no_harm(tmp_path, kind):
    about = PngImagePlugin.PngInfo()
    long = "x" * (3 * 2**20)
    settings = {"pnginfo": about}
    if kind == "profile":
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        settings["icc_profile"] = profile + bytes(2 * 2**20)
    else:
        about.add_text("comment", long, zip=kind != "text")
    (tmp_path / "a.png").write_bytes(saved(PLAIN, **settings))
    before = PngImagePlugin.MAX_TEXT_CHUNK
    avatars, left_out = read_folder(tmp_path, 32)
    assert len(avatars) == 1 and left_out == {} and PngImagePlugin.MAX_TEXT_CHUNK == before


def profile_with_red_and_blue_swapped():
    """An sRGB profile whose tags rXYZ and bXYZ have changed places."""
    content = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return content.replace(b"rXYZ", b"....").replace(b"bXYZ", b"rXYZ").replace(b"....", b"bXYZ")


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_colours_are_those_of_the_profile(tmp_path, mode):
    image = PLAIN.quantize(2) if mode == "P" else PLAIN.convert(mode)
    profile = profile_with_red_and_blue_swapped()
    (tmp_path / "a.png").write_bytes(saved(image, icc_profile=profile))
    avatars, _ = read_folder(tmp_path, 32)
    assert abs(avatars.images[0, 16, 16].astype(int) - (60, 60, 200)).max() <= 2


def test_transparency_survives_a_profile(tmp_path):
    image = Image.new("RGBA", (40, 40), (200, 60, 60, 0))
    (tmp_path / "a.png").write_bytes(saved(image, icc_profile=profile_with_red_and_blue_swapped()))
    avatars, _ = read_folder(tmp_path, 32, background="white")
    assert (avatars.images == 255).all()


def test_a_profile_that_cannot_be_used_is_told(tmp_path):
    (tmp_path / "a.png").write_bytes(saved(PLAIN, icc_profile=b"no profile at all"))
    with pytest.warns(UserWarning, match=r"1 of the pictures, such as a.png.*taken for sRGB"):
        avatars, _ = read_folder(tmp_path, 32)
    assert (avatars.images[0, 16, 16] == (200, 60, 60)).all()


def test_whole_numbers_of_32_bits_have_no_stated_range(tmp_path):
    Image.fromarray(np.full((40, 40), 200, np.int32)).save(tmp_path / "deep.tif")
    PLAIN.save(tmp_path / "b.png")
    avatars, left_out = read_folder(tmp_path, 32)
    assert len(avatars) == 1 and "32 bits a pixel" in left_out["deep.tif"]


def test_transparency_of_sixteen_bits_counts(tmp_path):
    grey = Image.fromarray(np.full((40, 40), 1000, np.uint16))
    grey.save(tmp_path / "a.png", transparency=1000)
    avatars, _ = read_folder(tmp_path, 32, background="red")
    assert (avatars.images == (255, 0, 0)).all()


# --------------------------------------------------------------------- what is not the user's own


SYSTEMS = (".ipynb_checkpoints", "@eaDir", ".thumbnails", ".Trash-0", "__MACOSX")


def test_folders_of_the_systems_are_left_out_and_counted(tmp_path):
    PLAIN.save(tmp_path / "a.png")
    for name in SYSTEMS:
        (tmp_path / name).mkdir()
        PLAIN.save(tmp_path / name / "a.png")
    avatars, left_out = read_folder(tmp_path, 32)
    assert len(avatars) == 1 and avatars.attributes == {}
    assert set(left_out) == set(SYSTEMS) and "the system's" in left_out["@eaDir"]


def zip_of(path, members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of a name that comes twice
                archive.writestr(zipfile.ZipInfo(name), content)
    return path


def test_folders_of_the_systems_in_a_zip_file_are_left_out_and_counted(tmp_path):
    png = saved(PLAIN)
    path = zip_of(tmp_path / "a.zip", [(f"{name}/a.png", png) for name in (*SYSTEMS, "cats")])
    avatars, left_out = read_folder(path, 32)
    assert len(avatars) == 1 and len(left_out) == len(SYSTEMS)


def test_windows_folders_in_a_zip_file_are_folders(tmp_path):
    names = ["cats\\", "cats\\0.png", "dogs\\0.png"]
    png = saved(PLAIN)
    path = zip_of(tmp_path / "a.zip", [(name, png if "png" in name else b"") for name in names])
    avatars, left_out = read_folder(path, 32)
    assert avatars.counts("folder") == {"cats": 1, "dogs": 1} and left_out == {}
    assert avatars.options["files"] == ["cats/0.png", "dogs/0.png"]


def test_two_members_of_one_name_are_two(tmp_path):
    path = zip_of(
        tmp_path / "a.zip", [("a.txt", b"one"), ("a.txt", b"two"), ("b.png", saved(PLAIN))]
    )
    _, left_out = read_folder(path, 32)
    assert set(left_out) == {"a.txt", "a.txt (2)"}


# ------------------------------------------------------------------------------------ ways out


@pytest.mark.parametrize(
    "content, words",
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC, .* save it as PNG or JPEG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG, a drawing; export it as PNG"),
        (b"<?xml version='1.0'?>\n<!-- by hand -->\n<svg/>", "SVG"),
        (b"%PDF-1.7", "PDF"),
    ],
)
def test_a_file_of_another_kind_is_named_with_a_way_out(tmp_path, content, words):
    (tmp_path / "a.bin").write_bytes(content)
    with pytest.raises(InputError, match=f"{words}.*We read PNG, JPEG"):
        read_folder(tmp_path, 32)


@pytest.mark.parametrize(
    "content, words",
    [
        (b"PK\x03\x04 and so on", "incomplete zip file.*Download or copy it again"),
        (b"\x1f\x8b\x08", "archive of another kind.*make a zip file"),
        (bytes(257) + b"ustar", "archive of another kind"),
        (b"hello", "neither a folder nor a zip file"),
    ],
)
def test_a_path_of_another_kind_is_named_with_a_way_out(tmp_path, content, words):
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(InputError, match=words):
        read_folder(tmp_path / "a", 32)


def test_numpys_sizes_are_sizes(tmp_path):
    PLAIN.save(tmp_path / "a.png")
    assert read_folder(tmp_path, np.int64(32))[0].images.shape == (1, 32, 32, 3)


@pytest.mark.parametrize("name", ["PNG", "WEBP"])
def test_exif_that_is_none_at_all_does_no_harm(tmp_path, name):
    """A program wrote "b'Exif…'", the text of the bytes; Pillow itself raises a SyntaxError."""
    written = saved(PLAIN, name, exif=b"Exif\0\0b'Exif\\x00\\x00'")
    (tmp_path / "a").write_bytes(written)
    with pytest.raises(SyntaxError), Image.open(tmp_path / "a") as image:
        image.getexif()
    assert all_close(read_one(tmp_path, 32), (200, 60, 60), tolerance=3)


@pytest.mark.parametrize("packed", [True, False])
def test_a_long_international_text_does_no_harm(tmp_path, packed):
    about = PngImagePlugin.PngInfo()
    about.add_itxt("comment", "x" * (3 * 2**20), zip=packed)
    (tmp_path / "a.png").write_bytes(saved(PLAIN, pnginfo=about))
    assert all_close(read_one(tmp_path, 32), (200, 60, 60))


def profile_of_a_printer(lightness):
    """A short ICC profile for CMYK: without black, all inks are this grey (ICC.1, lut8Type)."""
    steps = bytes(range(256))
    numbers = struct.pack(">9i", *(65536 * (i % 4 == 0) for i in range(9)))
    colours = bytes([round(lightness * 2.55), 128, 128, 0, 128, 128]) * 2**3
    table = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + numbers + 4 * steps + colours + 3 * steps
    white = b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061)
    tags, place, content = [], 128 + 4 + 2 * 12, b""
    for name, data in ((b"A2B0", table), (b"wtpt", white)):
        tags.append(name + struct.pack(">2I", place + len(content), len(data)))
        content += data + bytes(-len(data) % 4)
    head = bytes(8) + struct.pack(">I", 0x02400000) + b"prtrCMYKLab " + bytes(12) + b"acsp"
    head = (head + bytes(28) + struct.pack(">3i", 63190, 65536, 54061)).ljust(128, b"\0")
    whole = head + struct.pack(">I", 2) + b"".join(tags) + content
    return struct.pack(">I", len(whole)) + whole[4:]


def test_inks_have_the_colours_of_their_profile(tmp_path):
    """A CMYK JPEG, as printers' programs write them; without the profile it would be red."""
    inks = Image.new("CMYK", (40, 40), (0, 255, 255, 0))
    assert all_close(read_one_of(tmp_path / "plain", inks), RED, tolerance=4)
    grey = read_one_of(tmp_path / "own", inks, icc_profile=profile_of_a_printer(lightness=50))
    assert all_close(grey, (119, 119, 119), tolerance=2)  # L* = 50 in sRGB


def read_one_of(folder, image, **settings):
    save(image, folder / "a.jpg", **settings)
    return read_one(folder, 32)


def test_half_a_download_is_called_one(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in "abcdef":
            archive.writestr(f"cats/{name}.png", png_bytes())
    content = (tmp_path / "a.zip").read_bytes()
    (tmp_path / "a.zip").write_bytes(content[: len(content) // 2])
    refused(tmp_path / "a.zip", "an incomplete zip file: its end is missing. Download or copy it")
    (tmp_path / "a.7z").write_bytes(b"7z\xbc\xaf\x27\x1c")
    refused(tmp_path / "a.7z", "an archive of another kind. Unpack it, or make a zip file of it.")


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")
def test_avif_is_read_where_pillow_can_and_named_where_it_cannot(tmp_path, monkeypatch):
    save(Image.new("RGB", (40, 40), (200, 60, 60)), tmp_path / "a.avif")
    assert all_close(read_one(tmp_path, 32), (200, 60, 60), tolerance=4)
    monkeypatch.setattr(folder_module, "FORMATS", ("PNG", "JPEG"))
    refused(tmp_path, "AVIF, which this Pillow does not read; save it as PNG or JPEG", size=32)


@pytest.mark.parametrize("value", [-257, -20_000, 20_000])
def test_numbers_with_a_sign_have_no_stated_range(tmp_path, value):
    """As measuring instruments write them: a TIFF of 16 bits whose tag 339 says "signed"."""
    signed = TiffImagePlugin.ImageFileDirectory_v2()
    signed[339] = 2
    bits = np.full((40, 40), value, np.int16).view(np.uint16)
    save(Image.fromarray(bits), tmp_path / "signed.tif", tiffinfo=signed)
    save(PLAIN, tmp_path / "good.png")
    avatars, left_out = read_folder(tmp_path, 32)
    assert avatars.options["files"] == ["good.png"] and "range" in left_out["signed.tif"]
