import sqlite3

db = sqlite3.connect(":memory:")
db.row_factory = sqlite3.Row
db.executescript("create table t (id integer primary key, name text unique, score real); create index i on t (score);")
with db:
    db.executemany("insert into t (name, score) values (?, ?)", [("ann", 1.5), ("bob", 2.5), ("cy", None)])
print([tuple(row) for row in db.execute("select name, coalesce(score, 0) from t order by score desc")])
try:
    with db:
        db.execute("insert into t (name) values ('dan')")
        db.execute("insert into t (name) values ('ann')")
except sqlite3.IntegrityError as error:
    print(error, db.execute("select count(*) from t").fetchone()[0])
db.create_function("twice", 1, lambda value: value * 2)
row = db.execute("select twice(score) as d, name from t where id = 2").fetchone()
print(row.keys(), row["d"], "\n".join(db.iterdump()))
