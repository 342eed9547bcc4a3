class Node:
    __slots__ = ("value", "next")

    def __init__(self, value, next=None):
        self.value, self.next = value, next


class Stack:
    def __init__(self, *values):
        self.head = None
        for value in values:
            self.push(value)

    def push(self, value):
        self.head = Node(value, self.head)

    def pop(self):
        if self.head is None:
            raise IndexError("pop from an empty stack")
        node, self.head = self.head, self.head.next
        return node.value

    def __iter__(self):
        node = self.head
        while node:
            yield node.value
            node = node.next

    def __repr__(self):
        return f"Stack({', '.join(map(repr, self))})"


stack = Stack(1, 2, 3)
print(stack, stack.pop(), list(stack), 2 in stack)
try:
    Stack().pop()
except IndexError as error:
    print("IndexError:", error)
try:
    Node(1).other = 2
except AttributeError as error:
    print("AttributeError:", error)
