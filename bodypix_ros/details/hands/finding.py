"""Whose hands are where: looked for where arms end, and in streams where they were."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from bodypix_ros.anatomy import SIDES
from bodypix_ros.details.hands.known import HandMemory
from bodypix_ros.details.hands.landmarks import Look
from bodypix_ros.details.hands.where import Place, by_arms, by_parts
from bodypix_ros.imaging.region import Region
from bodypix_ros.scene import Hand, Scene

LEAST = 0.5
"""Of a hand's score, as MediaPipe has it by default."""
_SURE = 0.9
"""A hand that scores less is looked for elsewhere, too: in a stream at the arm's end, in a picture in what
the model took for hands."""
_HOPE = 0.05
"""Least score of what is worth a second look, from nearer."""
_LOOKS = 3
"""At each place in a picture, at most."""
_BLOBS = 2
"""Of what the model took for hands, how many a person's missing hand is looked for in."""
_STEADY = 0.1
"""A second look at a region that moved by less than this share of its side, or radians, shows nothing new."""
_SAME = 0.4
"""Hands whose points are closer than this share of their size are one."""
_AWAY = 1.5
"""Hands whose wrist is farther from the arm's, in their size, are somebody else's."""
_STEP = 0.75
"""Share of a region's side by which an arm's end may move from one image to the next."""
_LONGEST = 15
"""Images for which a hand is followed without being looked at; longer where more hands take turns."""
Read = Callable[[Sequence[Region]], list[Look]]
"""Looks at regions of an image."""


@dataclass(slots=True)
class _End:
    """What is known of an arm's end in the image before.

    Attributes:
        place: Where it was.
        look: What the hand looked like; None where there was none.
        waited: Images since it was looked at.
        failures: Looks in succession that showed no hand.
    """

    place: Place
    look: Look | None = None
    waited: int = 1
    failures: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class _Claim:
    """A hand that may be somebody's."""

    place: Place
    look: Look


def find(scene: Scene, read: Read) -> list[tuple[Hand, ...]]:
    """Find everybody's hands in a picture of its own.

    Args:
        scene: What was seen.
        read: Looks at regions of the picture.

    Returns:
        The hands of each of `scene.persons`, left before right.

    Raises:
        DeviceError: From `read`: the device failed.
    """
    arms = by_arms(scene)
    looks = _settled(read, [place.region for place in arms])
    hands = _shared((_Claim(place, look) for place, look in zip(arms, looks, strict=True) if look), scene)
    if scene.part_mask is not None:
        more: list[_Claim] = []
        for index in range(len(scene.persons)):
            sure = [
                side for side in SIDES if (index, side) in hands and hands[index, side].look.score >= _SURE
            ]
            missing = [side for side in SIDES if side not in sure]
            places = sorted(by_parts(scene, index), key=lambda place: place.side not in missing)
            for place in places[: _BLOBS * len(missing)]:
                known = [claim.look for claim in (*hands.values(), *more)]
                if any(_covers(look, place.region) for look in known):
                    continue
                (look,) = _settled(read, [place.region])
                if look is not None:
                    # Parts take crossed arms for each other's; where both hands are wanted the hand tells.
                    told = SIDES[0] if look.right < 0.5 else SIDES[1]
                    side = told if len(missing) == len(SIDES) else missing[0]
                    more.append(_Claim(Place(index, side, place.wrist, place.region), look))
        if more:
            hands = _shared([*hands.values(), *more], scene)
    return _by_person(hands, len(scene.persons))


def follow(scene: Scene, read: Read, memory: HandMemory, most: int) -> list[tuple[Hand, ...]]:
    """Find everybody's hands in the next image of a stream.

    Hands of the image before are looked for where they were, moved by as much as the arm's end; when there
    are more than `most` they are looked at in turn, and the others go along with their arms.

    Args:
        scene: What was seen.
        read: Looks at regions of the image.
        memory: The hands of the images before; becomes those of this one.
        most: Hands that may be looked at; one that is hardly seen where it was, at the arm's end, too.

    Returns:
        As `find`.

    Raises:
        DeviceError: From `read`: the device failed; the hands of before are kept.
    """
    if memory.shape != scene.person_mask.shape:
        memory.reset()
        memory.shape = scene.person_mask.shape
    ends = _carried(memory.ends, by_arms(scene))
    # Who has a hand is looked at twice as often as an arm that ends out of sight.
    turns = sorted(ends, key=lambda end: -end.waited * (1 if end.failures else 2))
    _look(turns[:most], scene, read)
    longest = max(_LONGEST, 2 * len(ends) // most)  # two rounds, where there are many
    for end in ends:
        end.waited += 1
        if end.waited > longest:
            end.look = None
    memory.ends = ends
    claims = [_Claim(end.place, end.look) for end in ends if end.look is not None]
    hands = _shared(claims, scene)
    for end in ends:
        if (end.place.person, end.place.side) not in hands:
            end.look = None  # it went over to another hand: the next look is at the arm's end
    return _by_person(hands, len(scene.persons))


def _look(ends: Sequence[_End], scene: Scene, read: Read) -> None:
    """Look at hands where they were, and at arms' ends where there was none, or it is perhaps lost."""
    regions = [end.look.region if end.look is not None else None for end in ends]
    known = [region for region in regions if region is not None]
    looks = iter(read(known) if known else ())
    for end, region in zip(ends, regions, strict=True):
        end.look = next(looks) if region is not None else None
    doubtful = [end for end in ends if end.look is None or end.look.score < _SURE]
    settled = _settled(read, [_fresh(end, scene) for end in doubtful])
    for end, fresh in zip(doubtful, settled, strict=True):
        if fresh is not None and (end.look is None or fresh.score > end.look.score):
            end.look = fresh
    for end in ends:
        shown = end.look is not None and end.look.score >= LEAST
        end.waited, end.failures = 0, 0 if shown else end.failures + 1
        end.look = end.look if shown else None


def _settled(read: Read, regions: Sequence[Region]) -> list[Look | None]:
    """Look, and again from where a hand turned out to be, until it stays there; None without a hand."""
    found: list[Look | None] = [None] * len(regions)
    waiting = dict(enumerate(regions))
    for _ in range(_LOOKS):
        if not waiting:
            break
        for (k, region), look in zip(list(waiting.items()), read(list(waiting.values())), strict=True):
            if look.score >= LEAST:
                found[k] = look
            nearer = look.region
            if look.score < _HOPE or nearer is None or (found[k] is not None and _steady(region, nearer)):
                del waiting[k]
            else:
                waiting[k] = nearer
    return found


def _steady(before: Region, after: Region) -> bool:
    turned = (after.rotation - before.rotation + math.pi) % (2 * math.pi) - math.pi
    moved = math.hypot(after.x - before.x, after.y - before.y)
    return max(moved, abs(after.side - before.side)) < _STEADY * before.side and abs(turned) < _STEADY


def _covers(look: Look, region: Region) -> bool:
    """Whether a hand lies where another one is looked for."""
    x, y = look.middle
    return math.hypot(x - region.x, y - region.y) < region.side / 2


def _carried(before: Iterable[_End], places: Sequence[Place]) -> list[_End]:
    """The arms' ends of an image, each with what was known of it in the image before."""
    near = []
    for end in before:
        for k, place in enumerate(places):
            apart = math.dist(place.wrist, end.place.wrist)
            if place.side == end.place.side and apart < _STEP * place.region.side:
                near.append((apart / place.region.side, k, end))
    known: dict[int, _End] = {}
    for _, k, end in sorted(near, key=lambda one: one[0]):
        if k in known or any(end is other for other in known.values()):
            continue
        was, now = end.place, places[k]
        look = None
        if end.look is not None:
            look = end.look.moved(was.wrist, now.wrist, now.region.rotation - was.region.rotation)
        known[k] = _End(places[k], look, end.waited, end.failures)
    return [known.get(k) or _End(place) for k, place in enumerate(places)]


def _fresh(end: _End, scene: Scene) -> Region:
    """Where to look for a hand of which nothing is known."""
    if end.failures % 2:  # the arm's keypoints led nowhere: then what the model took for a hand
        for place in by_parts(scene, end.place.person):
            if place.side == end.place.side:
                return place.region
    return end.place.region


def _shared(claims: Iterable[_Claim], scene: Scene) -> dict[tuple[int, str], _Claim]:
    """Who has which hand: one per person and side, and each only once."""
    given: dict[tuple[int, str], _Claim] = {}
    for doubt, claim in sorted(((_doubt(one, scene), one) for one in claims), key=lambda one: one[0]):
        key = claim.place.person, claim.place.side
        taken = key in given or any(_same(claim.look, other.look) for other in given.values())
        if doubt < math.inf and not taken:
            given[key] = claim
    return given


def _doubt(claim: _Claim, scene: Scene) -> float:
    """How little there is to say for a claim, from 0; infinite for what cannot be."""
    look, place = claim.look, claim.place
    away = math.dist(look.wrist, place.wrist) / max(look.size, 1.0)
    if away > _AWAY:
        return math.inf
    height, width = scene.instance_mask.shape
    x, y = look.palm
    owner = int(scene.instance_mask[int(min(max(y, 0), height - 1)), int(min(max(x, 0), width - 1))])
    strange = 0.0 if owner == place.person + 1 else 1.0 if owner else 0.5
    other_side = abs(look.right - (place.side == "right"))
    return away + strange + other_side / 2 + 1 - look.score


def _same(a: Look, b: Look) -> bool:
    most = _SAME * max(a.size, b.size)
    if math.dist(a.middle, b.middle) >= most:
        return False  # nor are the points closer, on average, than their middles
    x, y, _ = (a.keypoints - b.keypoints).T
    return float(np.hypot(x, y).mean()) < most


def _by_person(hands: dict[tuple[int, str], _Claim], count: int) -> list[tuple[Hand, ...]]:
    return [
        tuple(_hand(side, hands[index, side].look) for side in SIDES if (index, side) in hands)
        for index in range(count)
    ]


def _hand(side: str, look: Look) -> Hand:
    return Hand(side, look.score, look.keypoints.copy(), look.world.copy())  # the stream keeps its own
