"""Model files: which there are, where they lie on this computer, and what is in them."""
