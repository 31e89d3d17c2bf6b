"""What the library is called, where it lives, and how it is installed."""

VERSION = "0.1.0"
REPOSITORY = "https://github.com/avatars-from-noise/avatars-from-noise"


def how_to_install(extra):
    """The command that installs the library with one of its extras, such as "torch".

    By address, since no registry has it: whatever is called avatarlib there is somebody else's.
    """
    return f'pip install "avatarlib[{extra}] @ git+{REPOSITORY}"'
