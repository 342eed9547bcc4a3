def newton(f, x, steps=8):
    for _ in range(steps):
        slope = (f(x + 1e-6) - f(x - 1e-6)) / 2e-6
        x -= f(x) / slope
    return x


def simpson(f, a, b, n=100):
    h = (b - a) / n
    return h / 3 * (f(a) + f(b) + sum((4 if i % 2 else 2) * f(a + i * h) for i in range(1, n)))


print(round(newton(lambda x: x**3 - x - 2, 1.5), 9), round(simpson(lambda x: x * x, 0, 3), 9))
