import warnings

warnings.warn("careful")
warnings.warn("old", DeprecationWarning)
warnings.simplefilter("always")
for _ in range(2):
    warnings.warn("twice", UserWarning)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    warnings.warn("kept", FutureWarning)
print([(str(item.message), item.category.__name__, item.lineno) for item in caught])
warnings.simplefilter("error")
try:
    warnings.warn("raised")
except UserWarning as error:
    print(repr(error))
