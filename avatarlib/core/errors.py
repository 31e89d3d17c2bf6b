"""The one exception that the library raises on purpose."""


class InputError(ValueError):
    """Something from outside is not usable: a file, an argument, a disk.

    The message is a sentence for the person at the keyboard: what is wrong, where, and what to do.
    The command line prints it without a traceback.
    """
