# policy: data
import numpy as np

print(np.array([1.0, 0.0]) / 0)
np.save("a.npy", np.eye(2))
np.savetxt("a.txt", np.arange(3))
print(np.load("a.npy").tolist(), np.loadtxt("a.txt"))
