"""What is written of pictures, videos, cameras and addresses: overlays, masks, and one list of people."""
