import logging

logging.basicConfig(format="%(levelname)s %(filename)s:%(lineno)d %(funcName)s %(message)s")


def work():
    try:
        int("x")
    except ValueError:
        logging.exception("could not parse")


work()
