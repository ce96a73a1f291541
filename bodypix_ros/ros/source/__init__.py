"""What the source node decides: parameters, and when which picture is due."""
