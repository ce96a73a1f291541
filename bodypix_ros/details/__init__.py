"""What makes a Scene finer, whatever model saw it; paid for only where it is asked for."""
