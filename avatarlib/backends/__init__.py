"""The two frameworks, as twins, and the choice between them."""

from avatarlib.backends.choice import BACKENDS, TIERS, backend, steps, tier

__all__ = ["BACKENDS", "TIERS", "backend", "steps", "tier"]
