import logging

logging.getLogger("lib").warning("last resort")
logging.getLogger("lib").info("nowhere")
logging.raiseExceptions = False
logging.getLogger("lib").warning("%d", "not a number")
print(logging.getLogger("lib").getEffectiveLevel(), logging.getLevelName(35))
