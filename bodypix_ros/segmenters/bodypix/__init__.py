"""BodyPix 2: geometry, resize, masks, poses and instances, and the segmenter that joins them."""
