"""Hands: found where people's arms end, read finger by finger, and drawn into the masks."""
