"""Loads triton, PyTorch's compiler, if it is installed: it must come before TensorFlow.

Both bring a copy of LLVM. Loaded after TensorFlow (2.21, with triton 3.7 and 3.8), triton ends the
process with a segmentation fault, and PyTorch loads it when the first optimiser is made. Builds of
PyTorch for GPUs bring triton along, the usual ones on Linux among them. Whoever imports TensorFlow
by its own name and PyTorch, too, imports this module before both. Where TensorFlow was first,
triton is left alone: without PyTorch, nothing needs it.
"""

import sys
from contextlib import suppress

if "tensorflow" not in sys.modules:
    with suppress(ImportError):
        import triton  # noqa: F401
