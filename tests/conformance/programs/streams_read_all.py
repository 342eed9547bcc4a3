# stdin: "3\n1 2 3\n4 5 6\n7 8 9\nrest without newline"
import sys

n = int(input())
matrix = [list(map(int, input().split())) for _ in range(n)]
print(sum(matrix[i][i] for i in range(n)), [*map(sum, zip(*matrix))])
print(repr(sys.stdin.read()), repr(sys.stdin.readline()), list(sys.stdin))
try:
    input("more? ")
except EOFError as error:
    print(error)
