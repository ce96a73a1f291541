"""BlazePose GHUM: 33 landmarks in the image and in metres, and a mask, of each of several people."""
