"""One safetensors file that both frameworks read: named arrays and a header of text.

Names read like paths ("generator/up1/kernel"); layouts are TensorFlow's (height, width, in, out),
flat images run row by row with the channels last. Pickles are refused: opening one runs its code.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from avatarlib.core.errors import InputError
from avatarlib.core.files import PICKLE, atomic_write, content

# What NumPy can hold; others, such as BF16, become so only when another package says how.
DTYPES = {*("BOOL", "U8", "I8", "U16", "I16", "U32", "I32", "U64", "I64"), *("F16", "F32", "F64")}


def save_arrays(path, arrays, header):
    """Write named arrays and a header, complete or not at all.

    Args:
        path: name of the file, usually ending in .safetensors.
        arrays: name -> NumPy array of any numeric dtype.
        header: plain data that JSON can hold.

    Raises:
        InputError: the place cannot be written to.
    """
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    text = json.dumps(header)
    metadata = {"avatarlib": text, "sha256": _checksum(contiguous, text)}
    with atomic_write(path) as file:
        file.write(save(contiguous, metadata=metadata))


def load_arrays(path):
    """Read what `save_arrays` wrote.

    Returns:
        (arrays, header): name -> NumPy array as stored, and the header.

    Raises:
        InputError: no such file, a pickle, damaged, or from another program.
    """
    path = Path(path)
    try:
        with open(path, "rb"):
            pass  # for the sentences below
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            if "avatarlib" not in metadata:
                raise InputError(f"{path} was not written by avatarlib: it has no header of ours.")
            arrays = {name: _array(path, file, name) for name in file.keys()}
    except FileNotFoundError as error:
        raise InputError(f"There is no file {path}.") from error
    except OSError as error:
        raise InputError(f"Cannot read {path}: {error.strerror or error}.") from error
    except SafetensorError as error:
        kind = content(path)
        if kind == PICKLE:
            raise InputError(
                f"{path} is a pickle (torch.save writes these). Opening one can run any code that "
                "its author put in; avatarlib reads only safetensors. Convert it, if you trust it."
            ) from error
        if kind and "safetensors" not in kind:
            raise InputError(f"{path} is {kind}, not a network (a safetensors file).") from error
        raise InputError(f"{path} is damaged or no safetensors file: {error}.") from error
    if metadata.get("sha256") != _checksum(arrays, metadata["avatarlib"]):
        raise InputError(f"{path} is damaged: its contents do not fit its checksum.")
    return arrays, json.loads(metadata["avatarlib"])


def _array(path, file, name):
    dtype = file.get_slice(name).get_dtype()
    if dtype not in DTYPES:
        raise InputError(
            f"{path} holds {name!r} as {dtype}, which NumPy does not have. Save it as float32 or "
            "float16."
        )
    return file.get_tensor(name)


def _checksum(arrays, header):
    digest = hashlib.sha256(header.encode())
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].dtype.str} {arrays[name].shape}".encode())
        digest.update(memoryview(arrays[name].reshape(-1)).cast("B"))
    return digest.hexdigest()
