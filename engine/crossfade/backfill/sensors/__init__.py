"""The sensors of the throttles, one file each: `observe` does all the I/O, `judge` says in words why to wait.

`judge` is pure: an observation, the limit and a factor in; one reason or None out. The factor is 1 for the question
whether to begin waiting and less for the question whether to go on, so that a value around its limit does not flutter.
"""
