from concurrent.futures import ThreadPoolExecutor, as_completed, wait


def work(n):
    if n == 3:
        raise ValueError("three")
    return n * 10


with ThreadPoolExecutor(max_workers=4) as pool:
    print(list(pool.map(work, [1, 2, 4])))
    futures = {pool.submit(work, n): n for n in range(5)}
    for future in sorted(as_completed(futures), key=futures.get):
        print(futures[future], future.exception() or future.result())
    done, waiting = wait(futures, timeout=5)
    print(len(done), len(waiting))
