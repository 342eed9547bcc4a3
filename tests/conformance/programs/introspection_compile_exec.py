import ast
import dis
import io

tree = ast.parse("a = 1 + 2\nb = [x for x in range(a)]")
print(ast.dump(tree.body[0]), ast.unparse(tree), [type(node).__name__ for node in ast.walk(tree)][:6])
space = {}
exec(compile(tree, "<made>", "exec"), space)
print(space["b"], eval("a * 2", space), ast.literal_eval("{'a': (1, 2)}"))
out = io.StringIO()
dis.dis(compile("x + 1", "<d>", "eval"), file=out)
print("x" in out.getvalue())
for bad in ("1 +", "f(", "x = = 1", "return"):
    try:
        compile(bad, "<bad>", "exec")
    except SyntaxError as error:
        print(error.msg, error.lineno, error.offset)
