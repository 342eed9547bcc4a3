import logging

logging.basicConfig(level=logging.INFO, format="%(levelname)s:%(name)s:%(message)s")
log = logging.getLogger("app.part")
log.debug("hidden")
log.info("started with %d items", 3)
log.warning("careful")
try:
    1 / 0
except ZeroDivisionError:
    log.error("failed: %s", "division")
print("done")
