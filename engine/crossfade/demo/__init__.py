"""`crossfade demo`: a rename under live traffic, on a server of its own, and what was measured meanwhile."""
