"""A story as a moving picture: scenes, drawn by a pen at their times."""
