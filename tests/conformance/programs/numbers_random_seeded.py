import random

random.seed(42)
print(random.random(), random.randint(1, 6), random.choice("abc"), random.sample(range(100), 5))
deck = list(range(10))
random.shuffle(deck)
print(deck, random.choices("xyz", weights=[1, 2, 3], k=5), random.gauss(0, 1), random.getrandbits(40))
own = random.Random("seed")
state = own.getstate()
first = [own.uniform(0, 1) for _ in range(3)]
own.setstate(state)
print(first == [own.uniform(0, 1) for _ in range(3)], own.randbytes(4))
