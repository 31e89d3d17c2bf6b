"""What a network consists of, as a table in plain text."""

import math


def summary(spec):
    """Layers, shapes, parameters and multiply-adds of both players, a text of lines."""
    lines = []
    for player in ("generator", "discriminator"):
        lines.append(f"{player:<30}{'parameters':>12}{'multiply-adds':>16}")
        total = total_work = 0
        for layer, shape in spec.layers_with_shapes(player):
            counted = layer.weights(shape, spec.condition_size).items()
            learned = sum(math.prod(of) for name, of in counted if name not in ("mean", "variance"))
            work = layer.multiply_adds(shape)
            after = " x ".join(map(str, layer.after(shape)))
            kind = type(layer).__name__
            lines.append(f"  {kind:<14}{after:<14}{learned:>12,}{work:>16,}")
            total, total_work = total + learned, total_work + work
        lines.append(f"  {'together':<28}{total:>12,}{total_work:>16,}")
    return "\n".join(lines)
