import contextvars
import threading

mine = threading.local()
mine.x = "main"
var = contextvars.ContextVar("var", default="unset")
var.set("main")


def run():
    print(hasattr(mine, "x"), var.get())
    mine.x = "thread"
    var.set("thread")


for target in (run, lambda: contextvars.copy_context().run(run)):
    thread = threading.Thread(target=target)
    thread.start()
    thread.join()
context = contextvars.copy_context()
context.run(var.set, "copy")
print(mine.x, var.get(), context[var])
