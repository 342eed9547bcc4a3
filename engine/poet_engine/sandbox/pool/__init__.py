"""The pool of lanes, whatever lanes are: it has the waiting callers, the ready lanes, and their number."""
