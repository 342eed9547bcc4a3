from html import escape, unescape
from html.parser import HTMLParser


class Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        if tag == "a":
            self.found.append(dict(attrs).get("href"))

    def handle_data(self, data):
        if data.strip():
            print("text:", data.strip())


parser = Links()
parser.feed('<p>See <a href="/one?x=1&amp;y=2">one</a> and <a href="#two">two &lt;here&gt;</a></p>')
print(parser.found, escape("<a & 'b'>"), unescape("&eacute;&#x41;"))
