"""All style sheets of the book as one, without the rules that no page uses."""

import re

import icons
import tinycss2


def words(pages, scripts):
    """The classes and ids of pages, and all that could be one in their scripts."""
    names = re.findall(r'\b(?:class|id)="([^"]*)"', " ".join(pages))
    return {*" ".join(names).split(), *re.findall(r"[\w-]+", " ".join(scripts))}


def one_sheet(sheets, known):
    """Several style sheets as one.

    Args:
        sheets: their texts, in the pages' order.
        known: what `words` found; a rule about any other class or id is left out.
    """
    rules = [
        rule
        for sheet in sheets
        for rule in tinycss2.parse_stylesheet(
            sheet, skip_comments=True, skip_whitespace=True
        )
    ]
    css = "\n".join(filter(None, (shorter(rule, known) for rule in rules)))
    return icons.small_font(css) + icons.STYLE + css


def shorter(rule, known):
    """A rule's text with the selectors that can be meant, or nothing."""
    if rule.type == "at-rule":
        name = rule.lower_at_keyword
        if (
            name == "import"
            or name == "font-face"
            and "Awesome" in rule.serialize()
        ):
            return ""  # one_sheet has been given what is imported, and icons.py brings the font
        if name in ("media", "supports"):
            inside = tinycss2.parse_rule_list(
                rule.content, skip_comments=True, skip_whitespace=True
            )
            kept = "".join(
                filter(None, (shorter(each, known) for each in inside))
            )
            return (
                f"@{name}{tinycss2.serialize(rule.prelude)}{{{kept}}}"
                if kept
                else ""
            )
        return rule.serialize()
    if rule.type != "qualified-rule":
        return ""  # an error in a third party's sheet, which browsers skip, too
    kept = [s for s in selectors(rule.prelude) if is_meant(s, known)]
    if not kept:
        return ""
    body = re.sub(
        r"\s+", " ", tinycss2.serialize(without_comments(rule.content))
    ).strip()
    return f"{','.join(tinycss2.serialize(s).strip() for s in kept)}{{{body}}}"


def without_comments(tokens):
    """The same tokens without comments."""
    return [token for token in tokens if token.type != "comment"]


def selectors(prelude):
    """What stands between a rule's commas: lists of tokens."""
    lists = [[]]
    for token in without_comments(prelude):
        if token == ",":
            lists.append([])
        else:
            lists[-1].append(token)
    return lists


def is_meant(selector, known):
    """Whether all classes and ids of a selector may occur; those in brackets are not asked."""
    before = None
    for token in selector:
        if token.type == "hash" and token.value not in known:
            return False
        if (
            before == "."
            and token.type == "ident"
            and not may_occur(token.value, known)
        ):
            return False
        before = token
    return True


def may_occur(name, known):
    """Whether a class is named, or begins as a script may put it together: bs-tooltip-end."""
    starts = (name[: at + 1] for at in range(2, len(name)) if name[at] == "-")
    return name in known or any(start in known for start in starts)
