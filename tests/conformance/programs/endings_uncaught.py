def half(x):
    return x / 0  # the culprit


print("before")
half(1)
