"""Answer files, checked one by one; who is left out is named, with the reason."""

import json
import math
import os
import statistics
from pathlib import Path

import numpy as np

from avatarlib.core.errors import InputError
from avatarlib.evaluation.people.answers import Answers
from avatarlib.evaluation.people.study import KEY_FORMAT

FORMAT = "avatarlib.study/1"
OURS = ("key.json", "study.html")  # what Study.save writes
MOST = 10_000_000  # bytes; a thousand answers have a tenth of a million


def read_answers(paths, key):
    """The files that people saved in a study's page, joined with the truth.

    Left out are people who did not finish, who took too many pictures of pure noise for a
    designer's, or who clicked faster than one can look; the key holds these rules since before
    anybody answered. Catch trials are not among the answers.

    A file's contents decide, not its name: a text that somebody copied and sent counts, too. Of
    several files of one person, that with most answers counts, if it continues the others; else
    none does. A file that cannot be used is left out, and the others are read.

    Args:
        paths: a folder, all of whose files count, in its subfolders, too, but for `key.json` and
            `study.html`; or a list of files.
        key: `key.json`, its path or what it holds.

    Returns:
        (`Answers`, {name of a person, or path of a file: why he, she or it is left out})

    Raises:
        InputError: the key cannot be used; there is no such folder, or no file.
    """
    key = _checked(key if isinstance(key, dict) else _load_key(Path(key)))
    excluded, files = {}, []  # files: (person, trials, name of the file)
    for name, path in _files(paths, excluded):
        try:
            files.append((*_person(_load(path), key), name))
        except InputError as reason:
            excluded[name] = str(reason)
    if not (files or excluded):
        raise InputError("There are no answer files (study-answers-….json) here.")
    kept = {}
    for person, trials in _one_each(files, excluded).items():
        if reason := _why_not(trials, key):
            excluded[person] = reason
        else:
            kept[person] = trials
    return _join(kept, key), excluded


# -------------------------------------------------------------------------------------- the files


def _files(paths, excluded):
    """(name, path) of each file that may hold answers; the others go to `excluded`."""
    if not isinstance(paths, str | Path):
        yield from ((_text(path), Path(path)) for path in paths)
        return
    folder = Path(paths)
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}; put the answer files into one.")

    def leave_out(path, reason):
        excluded[_text(Path(path).relative_to(folder).as_posix())] = reason

    def unreadable(error):
        leave_out(error.filename, f"cannot be read: {error.strerror}")

    for at, folders, names in os.walk(folder, onerror=unreadable):
        for name in sorted(folders):
            path = Path(at, name)
            if name.startswith(".") or path.is_symlink():
                folders.remove(name)
                leave_out(path, "is hidden" if name.startswith(".") else "is a link to a folder")
        folders.sort()
        for name in sorted(names):
            if name.startswith("."):
                leave_out(Path(at, name), "is hidden, as files are that a system has made")
            elif name.lower() not in OURS:
                path = Path(at, name)
                yield _text(path.relative_to(folder).as_posix()), path


def _text(path):
    """A path that can be printed, whatever bytes its name is made of."""
    return str(path).encode(errors="backslashreplace").decode()


def _load(path):
    """What a file of answers holds; `InputError` says why it is none, without the file's name."""
    try:
        if not path.is_file():
            raise InputError("is no file" if path.exists() else "does not exist")
        if path.stat().st_size > MOST:
            raise InputError("holds no answers of a study: it is too large")
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}") from error
    if not content.strip():
        raise InputError("is empty; ask for it again")
    if content.startswith(b"PK"):
        raise InputError("is a zip file or a document; unpack it, or save its text alone")
    try:
        return json.loads(content)  # UTF-8, with a mark or without, or UTF-16
    except (ValueError, RecursionError) as error:
        if FORMAT.encode() not in content.replace(b"\0", b""):
            raise InputError("holds no answers of a study") from error
        raise InputError(
            f"is damaged or was not copied whole and alone ({error}); ask for it again"
        ) from error


def _load_key(path):
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"Cannot read {path}: {error.strerror}.") from error
    except ValueError as error:
        raise InputError(f"{path} is damaged ({error}); give the study's own key.") from error


def _checked(key):
    """A key that has all that it must have."""
    if not isinstance(key, dict) or key.get("format") != KEY_FORMAT:
        raise InputError("This is no key of a study; give the key.json that Study.save wrote.")
    try:
        sources, rules = set(key["sources"]), key["exclude"]
        known = {name for name, _ in key["pictures"]} <= sources | {"catch"}
        rules = [rules[name] / 1 for name in ("catch_right_below", "median_ms_below")]
        whole = known and isinstance(key["study"], str)
    except (KeyError, TypeError, ValueError):
        whole = False
    if not whole:
        raise InputError("The key is damaged; give the key.json as Study.save wrote it.")
    return key


def _person(file, key):
    """Whose file this is, and the trials in it, each checked."""
    if isinstance(file, dict) and file.get("format") == KEY_FORMAT:
        raise InputError("is a key of a study and holds no answers")
    if not isinstance(file, dict) or file.get("format") != FORMAT:
        raise InputError("holds no answers of a study")
    if file.get("study") != key["study"]:
        raise InputError(f"is of the study {file.get('study')}, not of {key['study']}")
    person, order, trials = (file.get(name) for name in ("person", "order", "trials"))
    everything = map(repr, range(len(key["pictures"])))
    # By their text, because a damaged list may hold anything.
    each_once = isinstance(order, list) and sorted(map(repr, order)) == sorted(everything)
    if not (person and isinstance(person, str) and each_once):
        raise InputError("has no person, or not each picture once in its order")
    if not isinstance(trials, list) or len(trials) > len(order):
        raise InputError("has no list of trials, or more than there are pictures")
    return person, [_trial(*row) for row in enumerate(zip(trials, order, strict=False), 1)]


def _trial(i, both):
    """(picture, whether "machine", milliseconds) of one trial."""
    said, picture = both
    said = said if isinstance(said, dict) else {}
    machine, ms = said.get("machine"), said.get("ms")
    if said.get("picture") != picture:
        raise InputError(
            f"shows in trial {i} the picture {said.get('picture')!r}, which is unknown or out of "
            f"order; it must be {picture}"
        )
    timed = type(ms) in (int, float) and math.isfinite(ms) and ms >= 0
    if type(machine) is not bool or not timed:
        raise InputError(f"has in trial {i} no answer of true or false with milliseconds")
    return picture, machine, ms


# -------------------------------------------------------------------------------------- the people


def _one_each(files, excluded):
    """{person: trials}; of several files of one person, the one that continues all others."""
    found = {}
    for person, trials, name in files:
        found.setdefault(person, []).append((trials, name))
    people = {}
    for person, of in found.items():
        longest, best = max(of, key=lambda file: len(file[0]))
        others = [(trials, name) for trials, name in of if name != best]
        if all(trials == longest[: len(trials)] for trials, _ in others):
            people[person] = longest
            excluded.update((name, f"holds nothing that is not in {best}") for _, name in others)
            continue
        names = ", ".join(name for _, name in of)
        excluded[person] = f"has files that contradict each other: {names}; keep the right one"
    return people


def _why_not(trials, key):
    """Why a person is left out, by the key's rules; None for who stays."""
    sources, rules = [source for source, _ in key["pictures"]], key["exclude"]
    if len(trials) < len(sources):
        return f"stopped after {len(trials)} of {len(sources)} pictures"
    caught = [machine for picture, machine, _ in trials if sources[picture] == "catch"]
    if sum(caught) < rules["catch_right_below"]:
        return f"saw {sum(caught)} of {len(caught)} pictures of pure noise as machine-made"
    median = statistics.median(ms for _, _, ms in trials)
    if median < rules["median_ms_below"]:
        return f"half the answers came within {median:.0f} milliseconds"
    return None


def _join(people, key):
    """One row a judged picture, without the catch trials."""
    sources = [source for source, _ in key["pictures"]]
    rows = [
        (person, picture, key["sources"].index(sources[picture]), machine, ms)
        for person, trials in enumerate(people.values())
        for picture, machine, ms in trials
        if sources[picture] != "catch"
    ]
    person, picture, source, machine, ms = np.array(rows, float).reshape(-1, 5).T
    whole = (column.astype(int) for column in (person, picture, source))
    return Answers(*whole, machine.astype(bool), ms, tuple(key["sources"]), tuple(people))
