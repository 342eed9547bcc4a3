def square(n):
    """
    >>> [square(n) for n in range(3)]
    [0, 1, 4]
    """
    return n * n


import doctest

print(doctest.testmod(verbose=False), doctest.testmod().attempted)
