"""What a widget of a notebook brings along, taken out of the page, to be fetched when needed.

In a notebook a widget holds everything in itself: a network's weights, the frames of a film. In a
page, that would come before the first paragraph can be read. Here it goes into a script beside
the page, which works from a disk, too, where fetch does not; `_static/later.js` loads it.
"""

import hashlib
import json
import re

MODULE = re.compile(r'<script type="module">\s*(.*?)</script>', re.DOTALL)
NAME = re.compile(r'document\.getElementById\("([\w-]+)"\)')
DATA = re.compile(
    r'(<script type="application/json">)(.*?)(</script>)', re.DOTALL
)
HIDDEN = re.compile(r'<img (?=[^>]*\shidden)([^>]*?)src="(data:[^"]+)"')


def take_out(html, folder, page):
    """Move the widgets' data and scripts into files.

    A film's frames wait until it is played; all else comes when the reader has scrolled near it.

    Args:
        html: the page.
        folder: where its files go.
        page: the page's name, with which theirs begin.

    Returns:
        the page without them.
    """
    parts, end = [], 0
    for match in MODULE.finditer(html):
        name = NAME.search(match[1])
        start = name and html.find(f' id="{name[1]}"', end, match.start())
        if start is None or start < 0:
            continue
        parts.append(html[end:start])
        film = 'class="film"' in html[html.rfind("<", 0, start) : start]
        file = f"{page}-{name[1]}.js"
        widget, data, images = emptied(html[start : match.start()])
        if film and not images:  # a film of one frame
            parts.append(html[start : match.end()])
        else:
            when = "played" if film else "reached"
            script = "" if film else f"() => {{\n{match[1]}}}"
            content = ", ".join(
                filter(None, (json.dumps([name[1], data, images]), script))
            )
            content = f"later({content});\n"
            (folder / file).write_text(content, encoding="utf-8")
            new = hashlib.sha256(content.encode()).hexdigest()[:8]
            parts.append(f' data-{when}="{file}?v={new}"{widget}')
            parts.append(match[0] if film else "")
        end = match.end()
    return "".join([*parts, html[end:]])


def emptied(widget):
    """A widget without its data and hidden pictures; the data; the pictures."""
    data = DATA.search(widget)
    images = [match[2] for match in HIDDEN.finditer(widget)]
    widget = HIDDEN.sub(r"<img \1", DATA.sub(r"\1\3", widget, count=1))
    return widget, data and data[2], images
