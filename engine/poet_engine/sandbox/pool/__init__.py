"""The pool of lanes, whatever lanes are: callers, ready lanes, and how many there should be."""
