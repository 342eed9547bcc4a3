from collections import deque
from heapq import heappop, heappush

graph = {"a": {"b": 7, "c": 3}, "b": {"d": 2}, "c": {"b": 1, "d": 8}, "d": {}}


def dijkstra(start):
    best, queue = {}, [(0, start)]
    while queue:
        cost, node = heappop(queue)
        if node in best:
            continue
        best[node] = cost
        for other, weight in graph[node].items():
            heappush(queue, (cost + weight, other))
    return best


def breadth_first(start):
    seen, queue = [start], deque([start])
    while queue:
        for other in graph[queue.popleft()]:
            if other not in seen:
                seen.append(other)
                queue.append(other)
    return seen


print(dijkstra("a"), breadth_first("a"))
