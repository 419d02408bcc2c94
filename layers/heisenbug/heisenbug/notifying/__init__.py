"""What a person is told away from the panel, and the ways it goes."""
