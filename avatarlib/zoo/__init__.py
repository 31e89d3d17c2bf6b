"""Small networks that were trained beforehand, and what long benchmarks measured."""

from avatarlib.zoo.networks import (
    pretrained,
    pretrained_file,
    pretrained_folder,
    pretrained_names,
    pretrained_record,
    read_network,
    through_training,
)
from avatarlib.zoo.records import measured

__all__ = [
    "measured",
    "pretrained",
    "pretrained_file",
    "pretrained_folder",
    "pretrained_names",
    "pretrained_record",
    "read_network",
    "through_training",
]
