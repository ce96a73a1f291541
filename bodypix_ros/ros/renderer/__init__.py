"""What the renderer node decides: parameters, which messages belong together, what is drawn."""
