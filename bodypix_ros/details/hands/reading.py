"""One image's hands: found, and drawn into its Scene."""

from collections.abc import Sequence
from dataclasses import replace

from bodypix_ros.details.hands.finding import find, follow
from bodypix_ros.details.hands.fingers import draw
from bodypix_ros.details.hands.known import SIZE, HandMemory
from bodypix_ros.details.hands.landmarks import Look, decode
from bodypix_ros.details.network import DetailNetwork, Spent
from bodypix_ros.imaging.pixels import Pixels
from bodypix_ros.imaging.region import Region
from bodypix_ros.scene import Scene


def with_hands(
    scene: Scene,
    network: DetailNetwork,
    pixels: Pixels,
    spent: Spent,
    memory: HandMemory | None,
    most: int,
    *,
    mirrored: bool = False,
) -> Scene:
    """Find people's hands, and draw their fingers into the masks.

    Args:
        scene: What was seen; its masks are changed in place.
        network: One of `known.KINDS`, loaded.
        pixels: The image.
        spent: Gets the time of the network.
        memory: The hands of the stream's images before; None for a picture of its own.
        most: Looks at hands that an image of a stream may have.
        mirrored: Whether the image is, so that left hands look like right ones.

    Raises:
        DeviceError: The device failed.
    """

    def read(regions: Sequence[Region]) -> list[Look]:
        values = network.run(((pixels, region.to_image(SIZE)) for region in regions), spent, replicate=True)
        return [decode(one, region, mirrored=mirrored) for one, region in zip(values, regions, strict=True)]

    hands = find(scene, read) if memory is None else follow(scene, read, memory, most)
    persons = tuple(replace(one, hands=its) for one, its in zip(scene.persons, hands, strict=True))
    return draw(replace(scene, persons=persons)) if any(hands) else scene
