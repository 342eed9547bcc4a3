def add(a, b):
    """Add.

    >>> add(1, 2)
    3
    >>> add("a", "b")
    'ab'
    >>> add(1, "b")
    Traceback (most recent call last):
    TypeError: unsupported operand type(s) for +: 'int' and 'str'
    """
    return a + b


def wrong():
    """
    >>> wrong()
    1
    """
    return 2


if __name__ == "__main__":
    import doctest

    print(doctest.testmod())
