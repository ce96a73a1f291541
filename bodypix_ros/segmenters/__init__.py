"""The families of models: each its options, and its own arithmetic from pixels to a Sight."""
