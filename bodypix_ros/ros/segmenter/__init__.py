"""What the segmenter node decides: parameters, outputs, a frame's way, what happens when a device fails."""
