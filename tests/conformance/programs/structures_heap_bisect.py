import bisect
import heapq

scores = [33, 99, 77, 70, 89]
print([("F", "D", "C", "B", "A")[bisect.bisect([60, 70, 80, 90], score)] for score in scores])
heap = []
for item in [(5, "write"), (1, "plan"), (3, "test")]:
    heapq.heappush(heap, item)
print([heapq.heappop(heap) for _ in range(3)], heapq.nlargest(2, scores), list(heapq.merge([1, 4], [2, 3])))
ordered = []
for score in scores:
    bisect.insort(ordered, score)
print(ordered, bisect.bisect_left(ordered, 77, key=None))
