"""Rights on what is made again."""
