"""OpenVINO: which device in which precision, and a model's networks on it."""
