"""What is made of a Scene after it was seen, whatever model saw it: the details that its options ask for."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Final

from bodypix_ros.details import faces
from bodypix_ros.details.hands.known import KINDS, HandMemory
from bodypix_ros.details.network import WARP, DetailNetwork, Spent
from bodypix_ros.details.options import DetailOptions
from bodypix_ros.errors import MissingModelError
from bodypix_ros.imaging.pixels import Pixels
from bodypix_ros.runtime.network import Networks
from bodypix_ros.runtime.placement import Placement
from bodypix_ros.scene import Face, Scene

_EDGES: Final = "bodypix_ros.details.edges"
_HANDS: Final = "bodypix_ros.details.hands.reading"
DETAILS: Final = (_EDGES, _HANDS, WARP)
"""The modules of details that bring kernels; each is imported when its option is first on."""

_KEYPOINTS: Final = frozenset({"keypoints"})

_log = logging.getLogger(__name__)


class Details:
    """The details of one segmenter, with the networks that they need."""

    def __init__(
        self, placement: Placement, model_dir: str | Path | None = None, gives: frozenset[str] = _KEYPOINTS
    ) -> None:
        """Nothing is loaded yet.

        Args:
            placement: Where the model runs; details run beside it, in 8 bits never.
            model_dir: Where to look for files first.
            gives: What the family knows of people, as `Family.gives`.
        """
        self._has_keypoints = gives >= _KEYPOINTS
        finer = placement.precision if placement.precision != "int8" else ""
        beside = replace(placement, precision=finer, ranges="")
        self._hands = {name: DetailNetwork(kind, beside, model_dir) for name, kind in KINDS.items()}
        self._faces = DetailNetwork(faces.KIND, beside, model_dir)
        self._lacking: dict[str, str] = {}

    def load(self, options: DetailOptions) -> None:
        """Load what options ask for, if it is not there yet.

        Without the file of the face detector faces are not looked for, which is said once: whoever hides them
        has people's parts and keypoints to go by.

        Raises:
            MissingModelError: The file of the network that reads hands is not here.
            DigestError: A file is not the one that is published.
            CheckpointError: It is not the network that is expected.
            DeviceError: The device does not compile it.
        """
        if options.hands and not self._has_keypoints:
            self._lack("hands", "hands are not found: the model has no keypoints to look for them by")
        elif options.hands:
            self._hands[options.hands_model].load()
            import_module(_HANDS)
        if options.edges:
            import_module(_EDGES)  # its kernels are compiled now, not with an image
        if options.faces and "faces" not in self._lacking:
            try:
                self._faces.load()
            except MissingModelError as error:
                self._lack("faces", f"faces are not looked for by themselves: {error}")

    def _lack(self, option: str, why: str) -> None:
        if option not in self._lacking:
            self._lacking[option] = why
            _log.warning("%s", why)

    @property
    def lacking(self) -> Mapping[str, str]:
        """What was asked for so far and is not there: why, by option."""
        return MappingProxyType(self._lacking)

    @property
    def networks(self) -> list[Networks]:
        """Those that are loaded."""
        every = (*self._hands.values(), self._faces)
        return [network.networks for network in every if network.networks is not None]

    def find_faces(self, pixels: Pixels) -> tuple[Face, ...]:
        """Look for faces alone, whatever the options.

        Raises:
            MissingModelError: The detector's file is not here; names what to get and where to put it.
            DeviceError: The device failed.
        """
        self._faces.load()
        return faces.find_faces(self._faces, pixels, Spent())

    def apply(
        self,
        scene: Scene,
        pixels: Pixels,
        options: DetailOptions,
        spent: Spent,
        hands: HandMemory | None = None,
        *,
        mirrored: bool = False,
    ) -> Scene:
        """Make a Scene finer.

        Args:
            scene: What was seen; its masks may be changed in place.
            pixels: The image, mirrored where the Scene is.
            options: In force for it.
            spent: Gets the time of the networks.
            hands: Those of the stream's images before; None for a picture of its own.
            mirrored: Whether the image is.

        Raises:
            DeviceError: The device failed.
        """
        if options.edges:  # before the fingers, which are finer than the filter is wide
            from bodypix_ros.details.edges import sharpen

            scene = sharpen(scene, pixels)
        network = self._hands[options.hands_model]
        if options.hands and network.networks is not None:
            from bodypix_ros.details.hands.reading import with_hands

            scene = with_hands(scene, network, pixels, spent, hands, options.max_hands, mirrored=mirrored)
        elif hands is not None:
            hands.reset()
        if options.faces and self._faces.networks is not None:
            scene = replace(scene, faces=faces.find_faces(self._faces, pixels, spent))
        return scene
