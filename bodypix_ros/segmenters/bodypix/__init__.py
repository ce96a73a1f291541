"""BodyPix 2: geometry, masks, poses and instances, and the segmenter that joins them."""
