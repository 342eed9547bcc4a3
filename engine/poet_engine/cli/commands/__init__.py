"""The commands, one file each: how it is spelt and what it does. `app.py` loads a file when its command is used."""
