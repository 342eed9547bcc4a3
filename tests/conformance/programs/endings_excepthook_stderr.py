import logging
import sys

logging.basicConfig(format="%(levelname)s %(message)s")
sys.excepthook = lambda kind, value, trace: logging.critical("crashed: %s", value)
raise ValueError("bad input")
