from unittest import mock


class Api:
    def fetch(self, key):
        raise OSError("no network")


with mock.patch.object(Api, "fetch", return_value={"a": 1}) as fetch:
    print(Api().fetch("k"), fetch.call_count)
fetch.assert_called_once_with("k")
fake = mock.Mock(side_effect=[1, ValueError("second")])
print(fake(), fake.mock_calls)
try:
    fake()
except ValueError as error:
    print(error)
with mock.patch("builtins.input", return_value="typed"), mock.patch.dict("os.environ", {"X": "1"}):
    import os

    print(input(), os.environ["X"])
try:
    fake.assert_not_called()
except AssertionError as error:
    print(str(error).splitlines()[0])
