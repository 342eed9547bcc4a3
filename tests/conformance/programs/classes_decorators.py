import functools
import time


def timed(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        start = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            print(function.__name__, time.perf_counter() - start >= 0)

    return wrapper


def retry(times, on=Exception):
    def decorate(function):
        @functools.wraps(function)
        def wrapper(*args):
            for attempt in range(1, times + 1):
                try:
                    return function(*args)
                except on as error:
                    print("attempt", attempt, error)
            raise RuntimeError(f"{times} attempts failed")

        return wrapper

    return decorate


tries = iter([1, 1, 0])


@timed
@retry(3, ZeroDivisionError)
def flaky(x):
    """Divide."""
    return x / (1 - next(tries))


print(flaky(4), flaky.__name__, flaky.__doc__)
