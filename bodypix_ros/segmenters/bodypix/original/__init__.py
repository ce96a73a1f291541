"""BodyPix as published, to the figure: one pass, its poses, its masks."""
