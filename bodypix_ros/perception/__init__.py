"""What users hold: a loaded model and its streams, composed of what families, details and tracking do."""
