import cmath


def multiply(a, b):
    return [[sum(x * y for x, y in zip(row, column)) for column in zip(*b)] for row in a]


def power(matrix, n):
    result = [[int(i == j) for j in range(len(matrix))] for i in range(len(matrix))]
    while n:
        if n & 1:
            result = multiply(result, matrix)
        matrix, n = multiply(matrix, matrix), n >> 1
    return result


print(power([[1, 1], [1, 0]], 90)[0][1])
print(cmath.sqrt(-2), cmath.polar(1j), (1 + 2j) ** 2, abs(3 - 4j), complex("1-2j").conjugate(), 1j == complex(0, 1))
