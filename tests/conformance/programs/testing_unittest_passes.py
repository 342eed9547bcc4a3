import unittest


class TestMath(unittest.TestCase):
    def setUp(self):
        self.values = [1, 2]

    def test_sum(self):
        self.assertEqual(sum(self.values), 3)

    def test_raises(self):
        with self.assertRaisesRegex(ZeroDivisionError, "division"):
            1 / 0

    @unittest.skip("not today")
    def test_skipped(self):
        raise AssertionError


result = unittest.TextTestRunner(stream=open("report.txt", "w"), verbosity=2).run(
    unittest.defaultTestLoader.loadTestsFromTestCase(TestMath)
)
print(result, result.wasSuccessful(), [reason for _, reason in result.skipped])
import os

os.remove("report.txt")  # it has the seconds that the tests took
