"""People as judges: a blinded study to hand out, and what its answers allow one to say."""

from avatarlib.people.answers import Answers

__all__ = ["Answers"]
