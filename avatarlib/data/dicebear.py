"""Avatars drawn by designers: the DiceBear styles, rendered with every choice as a label.

A style is a designer's drawing in parts (hair, eyes, mouth, colours). The package `dicebear-core`
puts parts together, deterministically from a seed; `resvg_py` turns the drawing into pixels. The
choices that were made come back as exact labels.
"""

import difflib
import functools
import hashlib
import io
import json
import os
import re
import sys
from importlib import metadata, resources

import numpy as np
from PIL import Image

from avatarlib.core import values
from avatarlib.core.errors import InputError
from avatarlib.core.files import from_cache
from avatarlib.core.interruption import end_with_parent
from avatarlib.core.memory import need_memory
from avatarlib.core.pixels import opaque_colour
from avatarlib.core.randomness import generator
from avatarlib.core.terminal import bar as progress_bar
from avatarlib.data.avatarset import Attribute, AvatarSet

FREE_LICENCES = ("CC0 1.0", "CC BY 4.0")
SMALLEST, LARGEST = 16, 512
# Their versions decide every pixel and every label.
PACKAGES = ("avatarlib", "dicebear-core", "dicebear-styles", "resvg_py")
CHUNK = 128  # avatars that a worker renders before it reports
FEW = 512  # up to here, one process is done before the others have started
LABELS = 2000  # bytes of memory for the labels of one avatar while it is rendered, about
ABSENT = "none"  # the label of a part that the avatar does not have


def styles():
    """Every style that can be rendered: name -> {"creator", "licence", "source", "free"}.

    `free` says whether the licence (CC0 or CC BY 4.0) lets you publish what you make of the style.
    """
    names = sorted(path.name.removesuffix(".json") for path in _folder().iterdir())
    found = {name: _read(name) for name in names}
    return {name: _about(of) for name, of in found.items() if not _writes_letters(of)}


def render(
    style,
    count,
    size=32,
    seed=0,
    *,
    weights=None,
    options=None,
    background="white",
    any_licence=False,
    workers=-1,
    progress=True,
):
    """Render random avatars of one style; a second call with the same arguments reads the cache.

    Args:
        style: name of a style, see `styles()`.
        count: number of avatars, at least 1.
        size: width and height in pixels, 16 to 512.
        seed: integer; avatar i is a function of (style, seed, i, weights, options).
        weights: how often each value of an attribute shall occur, to plant a bias of known size:
            {"hair_colour": {"#220f00": 9, "#e9b729": 1}, "accessories": {"none": 3, "glasses": 1}}.
            Names are those of the labels; values that are not named do not occur.
        options: DiceBear's own options, such as {"flip": ["none", "horizontal"]}.
        background: a colour name or #rrggbb, laid under the avatar.
        any_licence: also render styles that are not under CC0 or CC BY 4.0.
        workers: processes; -1 means one for each core.
        progress: show a progress bar.

    Returns:
        AvatarSet with images uint8 (count, size, size, 3) and every choice that varies as a label.

    Raises:
        InputError: unknown style, weight or option, a size or count out of range, a licence that
            is not free.
    """
    definition = _definition(style)
    count, seed = values.whole(count, "The count", 1), values.seed(seed)
    size = values.whole(size, "The size, in pixels,", SMALLEST, LARGEST)
    _check(style, definition, background, any_licence)
    need_memory(count * (3 * size**2 + LABELS), f"{count:,} avatars of {size} pixels")
    if options:
        _check_options(style, options)
    recipe = {
        "style": style,
        "count": count,
        "size": size,
        "seed": seed,
        "weights": values.plain(weights or {}, "What is given as weights"),
        "options": values.plain(options or {}, "What is given as options"),
        "background": background,
        "versions": {name: _version(name) for name in PACKAGES},
    }
    fixed = _draw_weighted(definition, count, seed, weights or {})

    def make():
        images, columns = _render_all(recipe, fixed, workers, progress)
        about = {key: _about(definition)[key] for key in ("licence", "creator", "source")}
        return AvatarSet(images, *_labels(columns), **about, options=recipe)

    return from_cache(_cache_name(recipe), AvatarSet.load, make, lambda file, made: made.save(file))


def _version(package):
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:  # a copy of the library that runs without being installed
        return "not installed"


def _cache_name(recipe):
    key = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()[:16]
    return f"avatars/{recipe['style']}-{recipe['size']}px-{recipe['count']}-{key}.npz"


# ------------------------------------------------------------------ what a style says about itself


def _folder():
    return resources.files("dicebear_styles")


def _definition(style):
    path = _folder() / f"{style}.json"
    if not re.fullmatch(r"[a-z0-9-]+", str(style)) or not path.is_file():
        names = [entry.name.removesuffix(".json") for entry in _folder().iterdir()]
        close = difflib.get_close_matches(str(style), names, n=3, cutoff=0.4)
        hint = f"The closest names are {', '.join(close)}." if close else "See al.data.styles()."
        raise InputError(f"There is no style {style!r}. {hint}")
    definition = _read(style)
    if _writes_letters(definition):
        raise InputError(
            f"The style {style!r} writes the letters of a name, and random avatars have none: "
            "there would be nothing to see. Choose another of al.data.styles()."
        )
    return definition


@functools.cache
def _read(style):
    return json.loads((_folder() / f"{style}.json").read_text(encoding="utf-8"))


def _writes_letters(definition):
    """Whether a style needs a font, which a renderer without a system's fonts does not have."""
    return '"font' in json.dumps(definition)


def _about(definition):
    meta = definition["meta"]
    licence = meta["license"]["name"].rstrip(".")
    creator, source = meta["creator"]["name"], meta["source"]
    remix = "" if creator == "DiceBear" else ", as adapted by DiceBear,"
    return {
        "creator": creator,
        "licence": licence,
        "source": f"“{source['name']}” ({source['url']}){remix}",
        "free": licence in FREE_LICENCES,
    }


def _check(style, definition, background, any_licence):
    about = _about(definition)
    if not about["free"] and not any_licence:
        raise InputError(
            f"The style {style!r} by {about['creator']} has the licence “{about['licence']}”, "
            "neither CC0 nor CC BY. If your use is allowed, ask for it: any_licence=True, or "
            "--any-licence on the command line."
        )
    opaque_colour(background)


def _check_options(style, options):
    """Refuse unknown names and values, which DiceBear would pass over in silence."""
    from dicebear import Avatar, OptionsDescriptor, OptionsValidationError

    if not isinstance(options, dict):
        raise InputError(f"The options are a table {{name: value}}, not {options!r}.")
    fields = OptionsDescriptor(_style(style)).to_json()
    del fields["seed"], fields["size"]  # arguments of `render`
    for name, value in options.items():
        if name not in fields:
            close = difflib.get_close_matches(str(name), fields, n=3, cutoff=0.3) or sorted(fields)
            raise InputError(f"{style!r} has no option {name!r}; did you mean {', '.join(close)}?")
        known = fields[name].get("values")
        if known is None or fields[name].get("open"):
            continue
        for given in value if isinstance(value, list | dict) else [value]:
            if given not in known:
                close = difflib.get_close_matches(str(given), known, n=3, cutoff=0.3) or known
                raise InputError(
                    f"The option {name!r} has no value {given!r}; did you mean {', '.join(close)}?"
                )
    try:
        Avatar(_style(style), options)
    except OptionsValidationError as error:
        raise InputError(f"DiceBear does not accept these options: {error}") from error


# ---------------------------------------------------------------------------- weights and labels


def _label_name(option):
    """DiceBear's option name -> ours: hairVariant -> hair, fabricAColor -> fabric_a_colour."""
    name = option.removesuffix("Variant").replace("Color", "Colour")
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def _draw_weighted(definition, count, seed, weights):
    """For each avatar the DiceBear options that settle its weighted attributes: a list of dicts."""
    components = definition.get("components", {}).items()
    parts = {_label_name(f"{name}Variant"): name for name, part in components if "variants" in part}
    palettes = {_label_name(f"{name}Color"): name for name in definition.get("colors", {})}
    if not isinstance(weights, dict):
        raise InputError(f"Weights are a table {{attribute: {{value: weight}}}}, not {weights!r}.")
    fixed = [{} for _ in range(count)]
    for label, table in weights.items():
        if label in parts:
            name = parts[label]
            known = [*definition["components"][name]["variants"], ABSENT]
        elif label in palettes:
            name, known = palettes[label], None  # any colour will do
        else:
            raise InputError(
                f"There is nothing to weigh under {label!r}; this style has "
                f"{', '.join(sorted(parts | palettes))}."
            )
        drawn = _draw(label, table, known, count, seed)
        for options, value in zip(fixed, drawn, strict=True):
            if label in palettes:
                options[f"{name}Color"] = [value]
            elif value == ABSENT:
                options[f"{name}Probability"] = 0
            else:
                options |= {f"{name}Variant": [value], f"{name}Probability": 100}
    return fixed


def _draw(label, table, known, count, seed):
    if not isinstance(table, dict) or not table:
        raise InputError(f"The weights of {label!r} are a table {{value: weight}}, not {table!r}.")
    for value, weight in table.items():
        if known is not None and value not in known:
            close = difflib.get_close_matches(str(value), known, n=3, cutoff=0.3) or known
            raise InputError(f"{label!r} has no value {value!r}; did you mean {', '.join(close)}?")
        if known is None and not re.fullmatch(r"#[0-9a-f]{6}", str(value)):
            raise InputError(f"Write a colour of {label!r} as #rrggbb, small letters: {value!r}.")
        values.number(weight, f"The weight of {value!r} in {label!r}", 0)
    known = sorted(table)  # equal weights give equal avatars, in whatever order they are written
    share = np.array([table[value] for value in known], dtype=np.float64)
    if share.sum() == 0:
        raise InputError(f"All weights of {label!r} are 0; at least one must be positive.")
    rng = generator(seed, f"weights/{label}")
    return rng.choice(known, size=count, p=share / share.sum()).tolist()


def _labels(columns):
    """Turn what DiceBear settled, option -> n values, into attributes and numbers.

    None stands where an avatar lacks the part.
    """
    attributes, numbers = {}, {}
    for option, column in columns.items():
        distinct = set(column)
        if all(value is None or isinstance(value, int | float) for value in distinct):
            if len(distinct - {None}) > 1:
                numbers[_label_name(option)] = np.array(column, dtype=np.float32)  # None: nan
        elif len(distinct) > 1:
            texts = [ABSENT if value is None else value for value in column]
            categories = tuple(sorted(set(texts)))
            codes = np.searchsorted(categories, texts).astype(np.uint16)
            attributes[_label_name(option)] = Attribute(codes, categories)
    return attributes, numbers


def _plain(value):
    """A settled value as a number or a text; colours come as the stops of a gradient."""
    if isinstance(value, list):
        return "-".join(value) or ABSENT
    return value


# ------------------------------------------------------------------------------------- rendering


@functools.cache
def _style(name):
    from dicebear import Style

    return Style(_definition(name))


def _render_all(recipe, fixed, workers, progress):
    """All images, uint8 (n, size, size, 3), and what DiceBear settled: option -> n values."""
    from joblib import Parallel, delayed, effective_n_jobs, parallel_config

    starts = range(0, len(fixed), CHUNK)
    render_chunk = _render_chunk
    if len(fixed) <= FEW:
        workers = 1
    if workers != 1:
        render_chunk = _render_chunk_in_worker
    workers = min(effective_n_jobs(workers), len(starts))
    jobs = (delayed(render_chunk)(recipe, fixed[s : s + CHUNK], s) for s in starts)
    images = np.empty((len(fixed), recipe["size"], recipe["size"], 3), dtype=np.uint8)
    columns = {}
    settings = {"total": len(fixed), "desc": recipe["style"], "unit": "avatar"}
    ends = {"initializer": end_with_parent, "initargs": (os.getpid(),)}
    with progress_bar(shown=progress, **settings) as bar, parallel_config("loky", **ends):
        results = Parallel(workers, return_as="generator")(jobs)
        for start, (pictures, chunk) in zip(starts, results, strict=True):
            images[start : start + len(pictures)] = pictures
            for option in dict.fromkeys([*columns, *chunk]):
                column = columns.setdefault(option, [None] * start)
                column += chunk.get(option, [None] * len(pictures))
            bar.update(len(pictures))
    return images, columns


def _render_chunk_in_worker(recipe, fixed, start):
    """`_render_chunk` in a process of its own, which imports DiceBear in a tenth of the time.

    DiceBear's validator, jsonschema, would load a grammar of web addresses (rfc3987_syntax, which
    Jupyter brings) that takes 0.7 s in every process, and that DiceBear never uses.
    """
    sys.modules.setdefault("rfc3987_syntax", None)  # as if it were not installed
    return _render_chunk(recipe, fixed, start)


def _render_chunk(recipe, fixed, start):
    """Avatars number start, start + 1, …: uint8 (m, size, size, 3), and option -> m values."""
    from dicebear import Avatar

    pictures, chosen = [], []
    for i, settled in enumerate(fixed, start):
        options = recipe["options"] | settled | {"seed": f"{recipe['seed']}-{i}"}
        drawn = Avatar(_style(recipe["style"]), options).to_json()
        pictures.append(rasterise(drawn["svg"], recipe["size"], recipe["background"]))
        chosen.append(drawn["options"])
    names = dict.fromkeys(name for options in chosen for name in options)
    columns = {name: [_plain(options.get(name)) for options in chosen] for name in names}
    return np.stack(pictures), columns


def rasterise(svg, size, background="white"):
    """Draw one SVG text on a background: uint8 (size, size, 3)."""
    import resvg_py

    red, green, blue = opaque_colour(background)  # Pillow knows more names than resvg
    png = resvg_py.svg_to_bytes(
        svg_string=svg, width=size, height=size, background=f"#{red:02x}{green:02x}{blue:02x}"
    )
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
