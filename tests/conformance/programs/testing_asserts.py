import unittest

case = unittest.TestCase()
checks = {
    "equal": lambda: case.assertEqual({"a": 1}, {"a": 2}),
    "text": lambda: case.assertMultiLineEqual("a\nb\n", "a\nc\n"),
    "almost": lambda: case.assertAlmostEqual(1.0, 1.1),
    "in": lambda: case.assertIn(3, [1]),
    "logs": lambda: case.assertLogs().__exit__(None, None, None),
}
for name, check in checks.items():
    try:
        check()
    except (AssertionError, AttributeError) as error:
        print(name, type(error).__name__, str(error).splitlines()[:2])
