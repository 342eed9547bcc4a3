class Bad:
    def __del__(self):
        raise ValueError("in a finalizer")


Bad()
print("goes on")
