"""COCO's format: Scenes written as annotations, and models measured against annotations."""
