import sqlite3

with sqlite3.connect("shop.db") as db:
    db.execute("create table items (name text, price integer)")
    db.executemany("insert into items values (?, ?)", [("pen", 2), ("book", 15)])
db.close()
db = sqlite3.connect("shop.db")
print(db.execute("select sum(price), count(*) from items").fetchone())
print(db.execute("pragma journal_mode").fetchone(), db.in_transaction)
db.execute("update items set price = price + 1")
db.rollback()
print(db.execute("select * from items").fetchall())
db.close()
