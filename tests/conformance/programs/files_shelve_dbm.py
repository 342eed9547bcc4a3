import dbm.dumb
import shelve

with shelve.Shelf(dbm.dumb.open("store", "c")) as shelf:
    shelf["list"] = [1, 2]
    shelf["dict"] = {"a": {1, 2}}
with shelve.Shelf(dbm.dumb.open("store", "r")) as shelf:
    print(sorted(shelf), shelf["dict"], "none" in shelf)
    try:
        shelf["missing"]
    except KeyError as error:
        print(error)
