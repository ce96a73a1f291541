"""BodyPix as people near and far need it: a pass of the whole picture, crops of who is small, one Scene."""
