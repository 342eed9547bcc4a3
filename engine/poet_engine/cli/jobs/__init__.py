"""`poet run --jobs`: many functions from one file, one line of results each, and a way to go on after any end."""
