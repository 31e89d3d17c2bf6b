"""Where avatars come from: uint8 pictures with attributes and a licence."""

from avatarlib.data.avatarset import Attribute, AvatarSet
from avatarlib.data.dicebear import render, styles
from avatarlib.data.folder import read_folder

__all__ = ["Attribute", "AvatarSet", "read_folder", "render", "styles"]
