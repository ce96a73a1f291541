"""What several tests share: pretended segmenters and devices, checkpoints, paths."""
