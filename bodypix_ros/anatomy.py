"""Body parts, keypoints, skeletons and their colours. Data, nothing else.

Names are snake_case everywhere. "left" is the person's own left.
"""

from typing import Final

PARTS: Final = (
    "left_face",
    "right_face",
    "left_upper_arm_front",
    "left_upper_arm_back",
    "right_upper_arm_front",
    "right_upper_arm_back",
    "left_lower_arm_front",
    "left_lower_arm_back",
    "right_lower_arm_front",
    "right_lower_arm_back",
    "left_hand",
    "right_hand",
    "torso_front",
    "torso_back",
    "left_upper_leg_front",
    "left_upper_leg_back",
    "right_upper_leg_front",
    "right_upper_leg_back",
    "left_lower_leg_front",
    "left_lower_leg_back",
    "right_lower_leg_front",
    "right_lower_leg_back",
    "left_foot",
    "right_foot",
)
"""The 24 parts of BodyPix; the index is the part id."""

SIDES: Final = ("left", "right")
HAND_PARTS: Final = {side: PARTS.index(f"{side}_hand") for side in SIDES}
"""The part ids of hands, by side."""
FACE_PARTS: Final = tuple(part for part, name in enumerate(PARTS) if name.endswith("_face"))
"""The part ids of faces."""
LOWER_ARM_PARTS: Final = tuple(part for part, name in enumerate(PARTS) if "_lower_arm_" in name)
"""The part ids of lower arms."""

KEYPOINTS: Final = (
    "nose",
    "left_eye",
    "right_eye",
    "left_ear",
    "right_ear",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
)
"""The 17 keypoints of BodyPix, in COCO's order."""

KEYPOINT_SIGMAS: Final = (
    0.026, 0.025, 0.025, 0.035, 0.035, 0.079, 0.079, 0.072, 0.072,
    0.062, 0.062, 0.107, 0.107, 0.087, 0.087, 0.089, 0.089,
)  # fmt: skip
"""How far two people who mark a keypoint differ, in square roots of the person's area: COCO's figures for its
object keypoint similarity (OKS), https://cocodataset.org/#keypoints-eval."""

BLAZEPOSE_KEYPOINTS: Final = (
    "nose",
    "left_eye_inner",
    "left_eye",
    "left_eye_outer",
    "right_eye_inner",
    "right_eye",
    "right_eye_outer",
    "left_ear",
    "right_ear",
    "mouth_left",
    "mouth_right",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_pinky",
    "right_pinky",
    "left_index",
    "right_index",
    "left_thumb",
    "right_thumb",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
    "left_heel",
    "right_heel",
    "left_foot_index",
    "right_foot_index",
)
"""The 33 landmarks of BlazePose GHUM, in its order."""

FINGERS: Final = ("thumb", "index_finger", "middle_finger", "ring_finger", "pinky")
HAND_KEYPOINTS: Final = (
    "wrist",
    *(f"thumb_{joint}" for joint in ("cmc", "mcp", "ip", "tip")),
    *(f"{finger}_{joint}" for finger in FINGERS[1:] for joint in ("mcp", "pip", "dip", "tip")),
)
"""The 21 landmarks of MediaPipe's hands, in its order: `wrist`, `thumb_cmc`, ... `pinky_tip`."""
HAND_SKELETON: Final = (
    *((HAND_KEYPOINTS[k], HAND_KEYPOINTS[k + 1]) for k in range(1, 20) if k % 4),
    ("wrist", "thumb_cmc"),
    ("wrist", "index_finger_mcp"),
    ("wrist", "pinky_mcp"),
    ("index_finger_mcp", "middle_finger_mcp"),
    ("middle_finger_mcp", "ring_finger_mcp"),
    ("ring_finger_mcp", "pinky_mcp"),
)
"""The bones of a hand that are drawn: three of each finger, then the palm."""

POSE_TREE: Final = (
    ("nose", "left_eye"),
    ("left_eye", "left_ear"),
    ("nose", "right_eye"),
    ("right_eye", "right_ear"),
    ("nose", "left_shoulder"),
    ("left_shoulder", "left_elbow"),
    ("left_elbow", "left_wrist"),
    ("left_shoulder", "left_hip"),
    ("left_hip", "left_knee"),
    ("left_knee", "left_ankle"),
    ("nose", "right_shoulder"),
    ("right_shoulder", "right_elbow"),
    ("right_elbow", "right_wrist"),
    ("right_shoulder", "right_hip"),
    ("right_hip", "right_knee"),
    ("right_knee", "right_ankle"),
)
"""(parent, child) of BodyPix's 16 displacement channels, in channel order."""

SKELETON: Final = (
    ("left_shoulder", "right_shoulder"),
    ("left_hip", "right_hip"),
    ("left_hip", "left_shoulder"),
    ("left_shoulder", "left_elbow"),
    ("left_elbow", "left_wrist"),
    ("left_hip", "left_knee"),
    ("left_knee", "left_ankle"),
    ("right_hip", "right_shoulder"),
    ("right_shoulder", "right_elbow"),
    ("right_elbow", "right_wrist"),
    ("right_hip", "right_knee"),
    ("right_knee", "right_ankle"),
)
"""The bones that are drawn. Every name is also one of BlazePose's."""

RAINBOW: Final = (
    (110, 64, 170),
    (143, 61, 178),
    (178, 60, 178),
    (210, 62, 167),
    (238, 67, 149),
    (255, 78, 125),
    (255, 94, 99),
    (255, 115, 75),
    (255, 140, 56),
    (239, 167, 47),
    (217, 194, 49),
    (194, 219, 64),
    (175, 240, 91),
    (135, 245, 87),
    (96, 247, 96),
    (64, 243, 115),
    (40, 234, 141),
    (28, 219, 169),
    (26, 199, 194),
    (33, 176, 213),
    (47, 150, 224),
    (65, 125, 224),
    (84, 101, 214),
    (99, 81, 195),
)
"""RGB of each part id as the original BodyPix paints them: front and back, left and right look alike."""

PART_COLORS: Final = (
    (255, 173, 15),
    (61, 175, 108),
    (219, 126, 169),
    (129, 43, 88),
    (57, 246, 119),
    (0, 101, 0),
    (185, 151, 59),
    (95, 72, 0),
    (0, 253, 242),
    (0, 139, 133),
    (255, 112, 113),
    (0, 178, 243),
    (221, 221, 221),
    (99, 99, 99),
    (242, 228, 17),
    (129, 126, 0),
    (176, 143, 255),
    (74, 63, 223),
    (255, 217, 176),
    (158, 93, 57),
    (0, 219, 255),
    (0, 131, 204),
    (255, 194, 210),
    (161, 186, 250),
)
"""RGB of each part id, to be told apart: left is warm, right is cold, the torso grey; the front is light, the
back dark. Front and back, left and right, and what touches differ by 20 and more in CIEDE2000, left and right
to most colour-blind people, too; any two by 12. Found by a search for the largest least difference."""

PERSON_COLORS: Final = (
    (230, 75, 53),
    (0, 160, 135),
    (60, 84, 136),
    (243, 155, 127),
    (145, 209, 194),
    (126, 97, 72),
    (77, 187, 213),
    (220, 180, 0),
    (181, 101, 217),
    (120, 190, 60),
)
"""RGB per person, taken in turn: easy to tell apart, also for most colour-blind people."""


def person_color(number: int) -> tuple[int, int, int]:
    """RGB of a person: by the track, or where there is none by the index in the image.

    Args:
        number: From 0; there are fewer colours than people, so they come again.
    """
    return PERSON_COLORS[number % len(PERSON_COLORS)]
