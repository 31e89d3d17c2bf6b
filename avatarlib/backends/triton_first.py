"""Loads triton, PyTorch's compiler, if it is installed: it must come before TensorFlow.

Both bring a copy of LLVM. Loaded after TensorFlow (2.21, with triton 3.7 and 3.8), triton ends the
process with a segmentation fault, and PyTorch loads it when the first optimiser is made. Builds of
PyTorch for GPUs bring triton along, the usual ones on Linux among them. Whoever imports TensorFlow
by its own name imports this module, or `avatarlib.backends.tensorflow`, before it.
"""

from contextlib import suppress

with suppress(ImportError):
    import triton  # noqa: F401
