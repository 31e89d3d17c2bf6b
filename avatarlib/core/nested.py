"""Nested tuples, such as a batch with everything that is drawn for it."""


def leaves(value):
    """What stands in nested tuples, from left to right; None is none."""
    if isinstance(value, tuple):
        for part in value:
            yield from leaves(part)
    elif value is not None:
        yield value


def map_leaves(function, value):
    """Nested tuples with a function of each of their leaves instead; None stays."""
    if isinstance(value, tuple):
        parts = [map_leaves(function, part) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    return None if value is None else function(value)
