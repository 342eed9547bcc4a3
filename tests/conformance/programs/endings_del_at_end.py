class Resource:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        print("released", self.name)


kept = Resource("global")
cycle = [Resource("in a cycle")]
cycle.append(cycle)
Resource("at once")
print("end of main")
