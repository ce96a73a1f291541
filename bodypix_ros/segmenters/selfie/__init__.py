"""MediaPipe Selfie Segmentation: one mask of all people."""
