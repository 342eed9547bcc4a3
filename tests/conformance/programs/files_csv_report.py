import csv
import io

people = [{"name": "Ann", "note": 'says "hi"'}, {"name": "Bob, Jr.", "note": "line\nbreak"}]
with open("people.csv", "w", newline="") as file:
    writer = csv.DictWriter(file, ["name", "note"], quoting=csv.QUOTE_MINIMAL)
    writer.writeheader()
    writer.writerows(people)
with open("people.csv", newline="") as file:
    print(list(csv.DictReader(file)) == people)
print(open("people.csv", newline="").read())
print(list(csv.reader(io.StringIO("a;b\n'c;d';e"), delimiter=";", quotechar="'")), csv.Sniffer().sniff("a\tb\nc\td").delimiter)
try:
    csv.DictWriter(io.StringIO(), ["a"]).writerow({"b": 1})
except ValueError as error:
    print(error)
