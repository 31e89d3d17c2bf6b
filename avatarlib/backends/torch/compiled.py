"""A step as one launch: what a card is asked to do is recorded once and then replayed."""

import torch

from avatarlib.core.nested import leaves, map_leaves

WARM_UP = 3  # calls that run as they are, in which PyTorch chooses its kernels


def is_recorded(device, dtype):
    """Whether steps are recorded: on a CUDA card, but not in double precision, for proofs."""
    return device.type == "cuda" and dtype == torch.float32


class Recorded:
    """A function of tensors that a CUDA card replays.

    It is recorded once for each set of shapes and flags. A small network's step is hundreds of
    launches, and launching them takes longer than computing them; a CUDA graph (docs.pytorch.org,
    "CUDA semantics") launches all at once.

    Args:
        function: from nested tuples of tensors, and flags, to a tensor. With equal shapes and flags
            it must do the same work, and never wait for the card.
        device: a `torch.device`.

    Calling it takes the function's arguments. Their tensors may lie in the computer's memory; they
    are copied to where the recording reads.
    """

    def __init__(self, function, device):
        self._function, self._device, self._recordings = function, device, {}

    def __call__(self, tensors, *flags):
        """The function's result; the next call overwrites it."""
        key = flags, tuple(tensor.shape for tensor in leaves(tensors))
        if key not in self._recordings:
            self._recordings[key] = _Recording(self._function, self._device, tensors, flags)
        return self._recordings[key](tensors)


class _Recording:
    """A CUDA graph, its inputs and its result."""

    def __init__(self, function, device, tensors, flags):
        self._inputs = map_leaves(
            lambda tensor: torch.empty_like(tensor, device=device, pin_memory=False), tensors
        )
        self._work = lambda: function(self._inputs, *flags)
        self._calls, self._graph, self._stream = 0, None, torch.cuda.Stream(device)

    def __call__(self, tensors):
        for own, given in zip(leaves(self._inputs), leaves(tensors), strict=True):
            own.copy_(given, non_blocking=True)
        self._calls += 1
        if self._calls <= WARM_UP:
            return self._in_stream()
        if self._graph is None:
            self._record()
        self._graph.replay()
        return self._result

    def _in_stream(self):
        """The work as it is, in the stream that will be recorded."""
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            result = self._work()
        torch.cuda.current_stream().wait_stream(self._stream)
        return result

    def _record(self):
        self._graph = torch.cuda.CUDAGraph()
        # Other threads, which get the next batches ready, may go on meanwhile.
        with torch.cuda.graph(self._graph, stream=self._stream, capture_error_mode="thread_local"):
            self._result = self._work()
