# stdin: "id,city,amount\n1,Rome,10.5\n2,Oslo,x\n3,Rome,4\n4,,7\n"
import csv
import sys


def rows(lines):
    yield from csv.DictReader(lines)


def valid(rows):
    for row in rows:
        try:
            row["amount"] = float(row["amount"])
        except ValueError as error:
            print(f"row {row['id']}: {error}", file=sys.stderr)
        else:
            yield row


totals = {}
for row in valid(rows(sys.stdin)):
    totals[row["city"] or "-"] = totals.get(row["city"] or "-", 0) + row["amount"]
print(totals)
