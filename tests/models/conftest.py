from __future__ import annotations

from pathlib import Path

import pytest
from models.digits_net import DigitsNet, shared_digits_net
from models.torch_checkpoints import shared_checkpoints


@pytest.fixture(scope="session")
def digits_net(tmp_path_factory: pytest.TempPathFactory) -> DigitsNet:
    """A small convolutional net in all its forms, with the digits that it has not seen."""
    return shared_digits_net(tmp_path_factory.mktemp("digits"))


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with a small checkpoint of every torch library, see `shared_checkpoints`."""
    return shared_checkpoints(tmp_path_factory.mktemp("checkpoints")).folder
