"""Gates: one file for each kind of evidence, and the verdict that comes of them."""
