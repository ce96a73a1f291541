"""Scenes in Rerun's viewer, live or as a recording: what `bodypix view` shows."""
