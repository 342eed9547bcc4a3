# policy: processes
from multiprocessing import Pool


def square(n):
    return n * n


if __name__ == "__main__":
    with Pool(2) as pool:
        print(pool.map(square, range(8)))
        print(sorted(pool.imap_unordered(square, range(4))), pool.apply_async(square, (9,)).get(5))
