import types


@types.coroutine
def ask(question):
    return (yield question)


async def dialogue():
    name = await ask("name?")
    age = await ask("age?")
    return f"{name} is {age}"


coroutine = dialogue()
print(coroutine.send(None), coroutine.send("Ann"))
try:
    coroutine.send(7)
except StopIteration as stop:
    print(stop.value)
try:
    coroutine.send(1)
except RuntimeError as error:
    print(error)
