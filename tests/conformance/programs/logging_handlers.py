import logging
import logging.config
import logging.handlers
import sys

logging.config.dictConfig(
    {
        "version": 1,
        "formatters": {"short": {"format": "{levelname[0]} {message}", "style": "{"}},
        "handlers": {
            "file": {"class": "logging.FileHandler", "filename": "app.log", "formatter": "short"},
            "out": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "level": "WARNING"},
        },
        "root": {"level": "DEBUG", "handlers": ["file", "out"]},
    }
)
logging.debug("only in the file")
logging.warning("in both")
memory = logging.handlers.MemoryHandler(10, target=logging.StreamHandler(sys.stdout))
own = logging.getLogger("own")
own.propagate = False
own.addHandler(memory)
own.error("buffered")
memory.flush()
logging.shutdown()
print(open("app.log").read())
