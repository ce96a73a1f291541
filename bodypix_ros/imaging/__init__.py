"""Pictures as arrays: their layouts and sizes, resized and warped into a network's input."""
