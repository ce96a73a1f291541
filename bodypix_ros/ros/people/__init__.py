"""What people_node decides."""
