import xml.etree.ElementTree as ET
from xml.dom import minidom

root = ET.Element("library")
for title, year in (("Dune", 1965), ("Emma", 1815)):
    book = ET.SubElement(root, "book", year=str(year))
    ET.SubElement(book, "title").text = title
ET.indent(root)
text = ET.tostring(root, encoding="unicode")
print(text)
print([book.find("title").text for book in ET.fromstring(text).iter("book") if int(book.get("year")) > 1900])
print(minidom.parseString("<a><b/>c</a>").toprettyxml(indent=" "))
try:
    ET.fromstring("<a><b></a>")
except ET.ParseError as error:
    print("ParseError", error)
