# ok: two sum
from typing import List
class Solution:
    def twoSum(self, nums: List[int], target: int) -> List[int]:
        seen = {}
        for i, n in enumerate(nums):
            if target - n in seen:
                return [seen[target - n], i]
            seen[n] = i
        return []
# ok: longest substring
def length_of_longest_substring(s: str) -> int:
    last, start, best = {}, 0, 0
    for i, c in enumerate(s):
        if c in last and last[c] >= start:
            start = last[c] + 1
        last[c] = i
        best = max(best, i - start + 1)
    return best
# ok: linked list
class ListNode:
    def __init__(self, val=0, next=None):
        self.val = val
        self.next = next
def reverse(head):
    prev = None
    while head:
        head.next, prev, head = prev, head, head.next
    return prev
# ok: binary tree
from collections import deque
from typing import Optional
class TreeNode:
    def __init__(self, val: int = 0, left: "Optional[TreeNode]" = None, right: "Optional[TreeNode]" = None):
        self.val, self.left, self.right = val, left, right
def level_order(root: Optional[TreeNode]) -> list[list[int]]:
    if not root:
        return []
    out, queue = [], deque([root])
    while queue:
        out.append([node.val for node in queue])
        for _ in range(len(queue)):
            node = queue.popleft()
            for child in (node.left, node.right):
                if child:
                    queue.append(child)
    return out
# ok: quick sort
def quicksort(a):
    if len(a) <= 1:
        return a
    p = a[len(a) // 2]
    return quicksort([x for x in a if x < p]) + [x for x in a if x == p] + quicksort([x for x in a if x > p])
# ok: merge sort in place
def merge_sort(arr: list) -> list:
    if len(arr) > 1:
        mid = len(arr) // 2
        left, right = arr[:mid], arr[mid:]
        merge_sort(left); merge_sort(right)
        i = j = k = 0
        while i < len(left) and j < len(right):
            if left[i] <= right[j]:
                arr[k] = left[i]; i += 1
            else:
                arr[k] = right[j]; j += 1
            k += 1
        arr[k:] = left[i:] + right[j:]
    return arr
# ok: binary search by bisect
import bisect
def grade(score, breakpoints=(60, 70, 80, 90), grades="FDCBA"):
    return grades[bisect.bisect(breakpoints, score)]
# ok: shortest paths
import heapq
def dijkstra(graph, source):
    dist = {v: float("inf") for v in graph}
    dist[source] = 0
    pq = [(0, source)]
    while pq:
        d, u = heapq.heappop(pq)
        if d > dist[u]:
            continue
        for v, w in graph[u]:
            if d + w < dist[v]:
                dist[v] = d + w
                heapq.heappush(pq, (dist[v], v))
    return dist
# ok: union find
class UnionFind:
    def __init__(self, n):
        self._parent = list(range(n))
        self._rank = [0] * n
    def find(self, x):
        while self._parent[x] != x:
            self._parent[x] = self._parent[self._parent[x]]
            x = self._parent[x]
        return x
    def union(self, a, b):
        a, b = self.find(a), self.find(b)
        if a == b:
            return False
        if self._rank[a] < self._rank[b]:
            a, b = b, a
        self._parent[b] = a
        self._rank[a] += self._rank[a] == self._rank[b]
        return True
# ok: least recently used
from collections import OrderedDict
class LRUCache:
    def __init__(self, capacity: int):
        self.capacity = capacity
        self.cache = OrderedDict()
    def get(self, key: int) -> int:
        if key not in self.cache:
            return -1
        self.cache.move_to_end(key)
        return self.cache[key]
    def put(self, key: int, value: int) -> None:
        self.cache[key] = value
        self.cache.move_to_end(key)
        if len(self.cache) > self.capacity:
            self.cache.popitem(last=False)
# ok: n queens
def solve(n):
    def place(row, cols, d1, d2, board):
        if row == n:
            yield board[:]
            return
        for c in range(n):
            if c in cols or row - c in d1 or row + c in d2:
                continue
            yield from place(row + 1, cols | {c}, d1 | {row - c}, d2 | {row + c}, board + [c])
    return list(place(0, set(), set(), set(), []))
# ok: knapsack
def knapsack(weights, values, capacity):
    dp = [0] * (capacity + 1)
    for w, v in zip(weights, values):
        for c in range(capacity, w - 1, -1):
            dp[c] = max(dp[c], dp[c - w] + v)
    return dp[capacity]
# ok: edit distance with memory
from functools import lru_cache
def edit_distance(a, b):
    @lru_cache(maxsize=None)
    def go(i, j):
        if not i or not j:
            return i + j
        return min(go(i - 1, j) + 1, go(i, j - 1) + 1, go(i - 1, j - 1) + (a[i - 1] != b[j - 1]))
    return go(len(a), len(b))
# ok: sieve
def sieve(n: int) -> list[int]:
    prime = bytearray([1]) * (n + 1)
    prime[:2] = b"\x00\x00"
    for p in range(2, int(n ** 0.5) + 1):
        if prime[p]:
            prime[p * p::p] = bytearray(len(range(p * p, n + 1, p)))
    return [i for i, is_prime in enumerate(prime) if is_prime]
# ok: matrices of a power
MOD = 10**9 + 7
def mul(a, b):
    return [[sum(x * y for x, y in zip(row, col)) % MOD for col in zip(*b)] for row in a]
def fib(n):
    result, base = [[1, 0], [0, 1]], [[1, 1], [1, 0]]
    while n:
        if n & 1:
            result = mul(result, base)
        base = mul(base, base)
        n >>= 1
    return result[0][1]
# ok: segment tree with methods called query and update
class SegmentTree:
    def __init__(self, data):
        self.n = len(data)
        self.tree = [0] * self.n + list(data)
        for i in range(self.n - 1, 0, -1):
            self.tree[i] = self.tree[2 * i] + self.tree[2 * i + 1]
    def update(self, i, value):
        i += self.n
        self.tree[i] = value
        while i > 1:
            i //= 2
            self.tree[i] = self.tree[2 * i] + self.tree[2 * i + 1]
    def query(self, l, r):
        res = 0
        l, r = l + self.n, r + self.n
        while l < r:
            if l & 1:
                res += self.tree[l]; l += 1
            if r & 1:
                r -= 1; res += self.tree[r]
            l //= 2; r //= 2
        return res
print(SegmentTree([1, 2, 3]).query(0, 2))
# ok: trie
class Trie:
    def __init__(self):
        self.root = {}
    def insert(self, word: str) -> None:
        node = self.root
        for ch in word:
            node = node.setdefault(ch, {})
        node["$"] = True
    def search(self, word: str) -> bool:
        node = self.root
        for ch in word:
            if ch not in node:
                return False
            node = node[ch]
        return "$" in node
# ok: permutations by hand
def permute(nums):
    if not nums:
        yield []
    for i, n in enumerate(nums):
        for rest in permute(nums[:i] + nums[i + 1:]):
            yield [n, *rest]
# ok: topological order
from graphlib import TopologicalSorter, CycleError
def order(dependencies):
    try:
        return list(TopologicalSorter(dependencies).static_order())
    except CycleError as error:
        raise ValueError(f"circle: {error.args[1]}") from error
# ok: flood fill with deep recursion
import sys
sys.setrecursionlimit(10**6)
def fill(grid, r, c):
    if not (0 <= r < len(grid) and 0 <= c < len(grid[0])) or grid[r][c] != 1:
        return 0
    grid[r][c] = 0
    return 1 + sum(fill(grid, r + dr, c + dc) for dr, dc in ((0, 1), (1, 0), (0, -1), (-1, 0)))
# ok: competitive input by input
def main():
    t = int(input())
    for _ in range(t):
        n, k = map(int, input().split())
        a = list(map(int, input().split()))
        print(sum(sorted(a, reverse=True)[:k]) % (10**9 + 7))
if __name__ == "__main__":
    main()
# ok: competitive input by streams
import sys
input = sys.stdin.readline
def solve():
    n = int(input())
    rows = [tuple(map(int, line.split())) for line in sys.stdin]
    sys.stdout.write("\n".join(str(sum(r)) for r in rows[:n]) + "\n")
solve()
# ok: competitive input as bytes
import sys
def main():
    data = sys.stdin.buffer.read().split()
    print(sum(map(int, data)), file=sys.stderr)
main()
# ok: gray codes and bits
def gray(n):
    return [i ^ (i >> 1) for i in range(1 << n)]
def popcount(x: int) -> int:
    return bin(x).count("1")
# ok: spiral
def spiral(matrix):
    out = []
    while matrix:
        out += matrix.pop(0)
        matrix = [list(r) for r in zip(*matrix)][::-1]
    return out
# ok: sudoku
def valid(board):
    seen = set()
    for i in range(9):
        for j in range(9):
            if (v := board[i][j]) != ".":
                for key in (("r", i, v), ("c", j, v), ("b", i // 3, j // 3, v)):
                    if key in seen:
                        return False
                    seen.add(key)
    return True
# ok: topmost frequent
from collections import Counter
def top_k(words, k):
    return [w for w, _ in sorted(Counter(words).items(), key=lambda kv: (-kv[1], kv[0]))[:k]]
# ok: longest increasing
from bisect import bisect_left
def lis(a):
    tails = []
    for x in a:
        i = bisect_left(tails, x)
        tails[i:i + 1] = [x]
    return len(tails)
# ok: calculator with a stack
def calculate(s: str) -> int:
    stack, num, sign = [], 0, "+"
    for i, c in enumerate(s):
        if c.isdigit():
            num = num * 10 + int(c)
        if c in "+-*/" or i == len(s) - 1:
            if sign == "+": stack.append(num)
            elif sign == "-": stack.append(-num)
            elif sign == "*": stack.append(stack.pop() * num)
            else: stack.append(int(stack.pop() / num))
            sign, num = c, 0
    return sum(stack)
# ok: iterator of one's own
class BSTIterator:
    def __init__(self, root):
        self.stack = []
        self._push_left(root)
    def _push_left(self, node):
        while node:
            self.stack.append(node)
            node = node.left
    def __iter__(self):
        return self
    def __next__(self):
        if not self.stack:
            raise StopIteration
        node = self.stack.pop()
        self._push_left(node.right)
        return node.val
# ok: game of life
def step(cells):
    from collections import Counter
    near = Counter((x + dx, y + dy) for x, y in cells for dx in (-1, 0, 1) for dy in (-1, 0, 1) if dx or dy)
    return {c for c, n in near.items() if n == 3 or n == 2 and c in cells}
# ok: hash map
class HashMap:
    __slots__ = ("_buckets", "_size")
    def __init__(self, capacity=16):
        self._buckets = [[] for _ in range(capacity)]
        self._size = 0
    def __setitem__(self, key, value):
        bucket = self._buckets[hash(key) % len(self._buckets)]
        for i, (k, _) in enumerate(bucket):
            if k == key:
                bucket[i] = (key, value)
                return
        bucket.append((key, value))
        self._size += 1
    def __getitem__(self, key):
        for k, v in self._buckets[hash(key) % len(self._buckets)]:
            if k == key:
                return v
        raise KeyError(key)
    def __len__(self):
        return self._size
    def __contains__(self, key):
        try:
            self[key]
        except KeyError:
            return False
        return True
# ok: huffman
import heapq
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
@dataclass(order=True)
class Node:
    weight: int
    symbol: Any = field(compare=False, default=None)
    left: "Node | None" = field(compare=False, default=None)
    right: "Node | None" = field(compare=False, default=None)
def codes(text):
    heap = [Node(w, s) for s, w in Counter(text).items()]
    heapq.heapify(heap)
    while len(heap) > 1:
        a, b = heapq.heappop(heap), heapq.heappop(heap)
        heapq.heappush(heap, Node(a.weight + b.weight, None, a, b))
    return heap[0] if heap else None
# ok: a star
import heapq
def astar(grid, start, goal):
    def h(p):
        return abs(p[0] - goal[0]) + abs(p[1] - goal[1])
    open_set = [(h(start), 0, start)]
    came, cost = {}, {start: 0}
    while open_set:
        _, g, current = heapq.heappop(open_set)
        if current == goal:
            path = [current]
            while current in came:
                current = came[current]
                path.append(current)
            return path[::-1]
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            nxt = current[0] + dx, current[1] + dy
            if nxt in grid and g + 1 < cost.get(nxt, float("inf")):
                cost[nxt] = g + 1
                came[nxt] = current
                heapq.heappush(open_set, (g + 1 + h(nxt), g + 1, nxt))
    return None
# ok: knuth morris pratt
def kmp(text: str, pattern: str) -> int:
    table = [0] * len(pattern)
    k = 0
    for i in range(1, len(pattern)):
        while k and pattern[k] != pattern[i]:
            k = table[k - 1]
        k += pattern[k] == pattern[i]
        table[i] = k
    k = 0
    for i, c in enumerate(text):
        while k and pattern[k] != c:
            k = table[k - 1]
        k += pattern[k] == c
        if k == len(pattern):
            return i - k + 1
    return -1
# ok: rabin karp with constants
BASE, MOD = 256, (1 << 61) - 1
def find(text, pattern):
    n, m = len(text), len(pattern)
    h = pow(BASE, m - 1, MOD)
    p = t = 0
    for i in range(m):
        p, t = (BASE * p + ord(pattern[i])) % MOD, (BASE * t + ord(text[i])) % MOD
    out = []
    for i in range(n - m + 1):
        if p == t and text[i:i + m] == pattern:
            out.append(i)
        if i < n - m:
            t = (BASE * (t - ord(text[i]) * h) + ord(text[i + m])) % MOD
    return out
# ok: minimum stack
class MinStack:
    def __init__(self):
        self.stack, self.mins = [], []
    def push(self, x):
        self.stack.append(x)
        self.mins.append(min(x, self.mins[-1] if self.mins else x))
    def pop(self):
        self.mins.pop()
        return self.stack.pop()
    def top(self): return self.stack[-1]
    def getMin(self): return self.mins[-1]
# ok: producer of fibonacci numbers
def fibonacci():
    a, b = 0, 1
    while True:
        yield a
        a, b = b, a + b
def take(n):
    from itertools import islice
    return list(islice(fibonacci(), n))
# ok: guess a number until it is found
def bisection(f, low, high, eps=1e-9):
    while True:
        mid = (low + high) / 2
        if abs(f(mid)) < eps or high - low < eps:
            return mid
        if f(low) * f(mid) <= 0:
            high = mid
        else:
            low = mid
# ok: priority queue of the library
from queue import PriorityQueue, Queue, LifoQueue
def run(jobs):
    pq = PriorityQueue()
    for p, j in jobs:
        pq.put((p, j))
    out = []
    while not pq.empty():
        out.append(pq.get()[1])
    return out
# ok: bank account with exceptions
class InsufficientFunds(Exception):
    def __init__(self, needed, available):
        super().__init__(f"need {needed}, have {available}")
        self.needed, self.available = needed, available
class Account:
    def __init__(self, owner, balance=0.0):
        self.owner = owner
        self.__balance = balance
    @property
    def balance(self):
        return self.__balance
    @balance.setter
    def balance(self, value):
        if value < 0:
            raise InsufficientFunds(-value, self.__balance)
        self.__balance = value
    def __str__(self):
        return f"{self.__class__.__name__}({self.owner}: {self.balance:.2f})"
