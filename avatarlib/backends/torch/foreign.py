"""What only PyTorch can open: other people's pickles, and the original Inception network."""

import numpy as np
import torch

from avatarlib.backends.torch.device import find_device
from avatarlib.core.errors import InputError


def read_pickle(path):
    """The arrays in a file of torch.save, opened so that no code in it can run.

    Returns:
        name -> NumPy array.
    """
    return {k: np.asarray(v) for k, v in torch.load(path, weights_only=True).items()}


class Inception:
    """Inception-v3 with the weights of December 2015 (Szegedy et al. 2016, arXiv:1512.00567).

    The network behind published FIDs and Inception Scores, by way of the package torch-fidelity.

    Args:
        weights: path of torch-fidelity's file of weights; None lets that package fetch it.

    Raises:
        InputError: torch-fidelity is not installed, or the weights cannot be had.
    """

    def __init__(self, weights=None):
        try:
            from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
        except ModuleNotFoundError as error:
            raise InputError(
                "The original Inception network comes with torch-fidelity, which is not installed; "
                "install it into an environment of its own (pip install torch-fidelity), since it "
                "may exchange your PyTorch."
            ) from error
        wanted = ["2048", "logits_unbiased"]
        path = None if weights is None else str(weights)
        try:
            network = FeatureExtractorInceptionV3(
                "inception-v3-compat", wanted, feature_extractor_weights_path=path
            )
        except (OSError, RuntimeError) as error:
            raise InputError(
                f"Inception's weights cannot be read ({error}); check the connection, or give the "
                "file weights-inception-2015-12-05-6726825d.pth of torch-fidelity's releases."
            ) from error
        self.device = find_device()
        self.network = network.eval().to(self.device)

    def __call__(self, pictures):
        """Look at pictures.

        Args:
            pictures: uint8 (n, height, width, 3) of any size; the network resizes to 299 x 299 as
                TensorFlow 1 did.

        Returns:
            (features float32 (n, 2048), logits float32 (n, 1008)).
        """
        with torch.no_grad():
            x = torch.from_numpy(pictures).to(self.device).permute(0, 3, 1, 2).contiguous()
            return tuple(part.cpu().numpy() for part in self.network(x))
