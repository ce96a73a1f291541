"""Measurements of speed, plain data out: what `bodypix bench` runs, prints and plots."""
