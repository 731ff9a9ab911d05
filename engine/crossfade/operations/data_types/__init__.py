"""Types that a plan makes or changes."""
