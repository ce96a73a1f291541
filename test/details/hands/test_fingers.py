"""Hands drawn into masks."""

import math
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bodypix_ros.anatomy import HAND_PARTS, PARTS
from bodypix_ros.details.hands.fingers import draw
from bodypix_ros.scene import Scene
from support.hands import hand_of, person_of, points_of, scene_of

TORSO = PARTS.index("torso_front") + 1


def with_hand(shape: tuple[int, int] = (480, 640), per_metre: float = 1000.0) -> Scene:
    hand = hand_of(points_of(300, 300, per_metre))
    return scene_of([replace(person_of(), hands=(hand,))], shape)


def test_a_finger_is_as_wide_as_a_finger() -> None:
    """At 1000 pixels per metre the index finger is 18 wide, and its tip round."""
    drawn = draw(with_hand()).instance_mask == 1
    x, tip = 325, 300 - 90 - 75  # of the index finger
    row = np.flatnonzero(drawn[tip + 20, x - 10 : x + 11])
    assert 17 <= len(row) <= 19  # up to 9 on either side of the middle; the next finger is 20 away
    assert drawn[tip - 8, x]
    assert not drawn[tip - 10, x]
    corner = round(9 / math.sqrt(2)) + 1
    assert not drawn[tip - corner, x + corner]
    assert drawn[300 - 45, 290]  # the palm is full
    assert not drawn[300 - 150, 350]  # between index finger and thumb


def test_what_is_new_is_the_persons_and_a_hand() -> None:
    scene = with_hand()
    assert scene.part_mask is not None
    scene.instance_mask[250:400, 200:400] = 1
    scene.person_mask[250:400, 200:400] = True
    scene.part_mask[250:400, 200:400] = TORSO
    scene = replace(
        scene,
        confidence=np.where(scene.person_mask, 250, 20).astype(np.uint8),
        persons=(replace(scene.persons[0], box=(200, 250, 400, 400)),),
    )
    before = scene.instance_mask.copy()
    drawn = draw(scene)
    assert drawn.part_mask is not None
    assert drawn.confidence is not None
    new = (drawn.instance_mask == 1) & (before == 0)
    assert new.sum() > 3000
    assert (drawn.person_mask == (drawn.instance_mask == 1)).all()
    assert ((drawn.part_mask > 0) == drawn.person_mask).all()
    hand = drawn.part_mask == HAND_PARTS["left"] + 1
    assert hand[new].all()
    assert hand[290, 300]  # before the torso, too
    assert drawn.part_mask[390, 210] == TORSO
    assert (drawn.confidence[new] == 204).all()
    assert (drawn.confidence[before == 1] == 250).all()
    y, x = np.nonzero(drawn.instance_mask)
    assert drawn.persons[0].box == (x.min(), y.min(), x.max() + 1, y.max() + 1)


@settings(max_examples=30, deadline=None)
@given(st.floats(-100, 700), st.floats(-100, 600), st.floats(20, 4000), st.floats(-3, 3), st.integers(0, 640))
def test_nobody_loses_a_pixel(x: float, y: float, per_metre: float, turn: float, border: int) -> None:
    """Somebody else fills the picture up to a column; masks stay whole wherever the hand is."""
    hand = hand_of(points_of(x, y, per_metre, turn), "right")
    scene = scene_of([person_of((0, 0, border, 480)), replace(person_of(), hands=(hand,))])
    assert scene.part_mask is not None
    scene.instance_mask[:, :border] = 1
    scene.part_mask[:, :border] = TORSO
    scene.person_mask[:, :border] = True
    drawn = draw(scene)
    assert drawn.part_mask is not None
    assert (drawn.instance_mask[:, :border] == 1).all()
    assert (drawn.part_mask[:, :border] == TORSO).all()
    mine = drawn.instance_mask[:, border:]
    assert set(np.unique(mine)) <= {0, 2}
    assert (drawn.person_mask == (drawn.instance_mask > 0)).all()
    assert ((drawn.part_mask > 0) == drawn.person_mask).all()
    rows, columns = np.nonzero(mine)
    box = drawn.persons[1].box
    if len(rows):
        first, last = columns.min() + border, columns.max() + border
        assert box == (first, rows.min(), last + 1, rows.max() + 1)
    else:
        assert box == (0, 0, 0, 0)


def test_a_model_without_parts() -> None:
    scene = replace(with_hand(), part_mask=None)
    drawn = draw(scene)
    assert drawn.part_mask is None
    assert drawn.person_mask.sum() == (drawn.instance_mask == 1).sum() > 5000
