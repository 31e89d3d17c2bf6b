"""Answer files, checked one by one; who is left out is named, with the reason."""

import json
import math
import statistics
from pathlib import Path

import numpy as np

from avatarlib.core.errors import InputError
from avatarlib.evaluation.people.answers import Answers
from avatarlib.evaluation.people.study import KEY_FORMAT

FORMAT = "avatarlib.study/1"


def read_answers(paths, key):
    """The files that people saved in a study's page, joined with the truth.

    Left out are people who did not finish, who took too many pictures of pure noise for a
    designer's, or who clicked faster than one can look; the key holds these rules since before
    anybody answered. Catch trials are not among the answers.

    Args:
        paths: a folder, all of whose JSON files but `key.json` count, or a list of files.
        key: `key.json`, its path or what it holds.

    Returns:
        (`Answers`, {name of a person: why he or she is left out})

    Raises:
        InputError: a file is damaged, of another study, says what the page cannot have said, or is
            a person's second; no files.
    """
    key = key if isinstance(key, dict) else _load(Path(key))
    if key.get("format") != KEY_FORMAT:
        raise InputError("This is no key of a study; give the key.json that Study.save wrote.")
    found, excluded = {}, {}
    for path in _files(paths):
        person, trials = _person(path, key)
        if person in found:
            raise InputError(
                f"{found[person][0]} and {path} are of the same person, {person}; keep one of them."
            )
        found[person] = path, trials
        if reason := _why_not(trials, key):
            excluded[person] = reason
    kept = {person: trials for person, (_, trials) in found.items() if person not in excluded}
    return _join(kept, key), excluded


def _files(paths):
    if isinstance(paths, str | Path):
        folder = Path(paths)
        if not folder.is_dir():
            raise InputError(f"There is no folder {folder}; put the answer files into one.")
        paths = sorted(path for path in folder.glob("*.json") if path.name != "key.json")
    if not paths:
        raise InputError("There are no answer files (study-answers-….json) here.")
    return map(Path, paths)


def _load(path):
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"Cannot read {path}: {error.strerror}.") from error
    except ValueError as error:
        raise InputError(
            f"{path} is damaged or was not copied whole ({error}); ask for it again."
        ) from error
    return found if isinstance(found, dict) else {}


def _person(path, key):
    """Whose file this is, and the trials in it, each checked."""
    file = _load(path)
    if file.get("format") != FORMAT:
        raise InputError(f"{path} holds no answers of a study; take it out of the list.")
    if file.get("study") != key["study"]:
        raise InputError(
            f"{path} is of the study {file.get('study')}, not of {key['study']}; "
            "take it out, or give that study's key."
        )
    person, order, trials = (file.get(name) for name in ("person", "order", "trials"))
    everything = map(repr, range(len(key["pictures"])))
    # By their text, because a damaged list may hold anything.
    each_once = isinstance(order, list) and sorted(map(repr, order)) == sorted(everything)
    if not (person and isinstance(person, str) and each_once):
        raise InputError(f"{path} has no person, or not each picture once in its order.")
    if not isinstance(trials, list) or len(trials) > len(order):
        raise InputError(f"{path} has no list of trials, or more than there are pictures.")
    return person, [_trial(path, *row) for row in enumerate(zip(trials, order, strict=False), 1)]


def _trial(path, i, both):
    """(picture, whether "machine", milliseconds) of one trial."""
    said, picture = both
    said = said if isinstance(said, dict) else {}
    machine, ms = said.get("machine"), said.get("ms")
    if said.get("picture") != picture:
        raise InputError(
            f"{path}, trial {i}: picture {said.get('picture')!r} is unknown or out of order; "
            f"it must be {picture}."
        )
    timed = type(ms) in (int, float) and math.isfinite(ms) and ms >= 0
    if type(machine) is not bool or not timed:
        raise InputError(f"{path}, trial {i}: no answer of true or false with milliseconds.")
    return picture, machine, ms


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
