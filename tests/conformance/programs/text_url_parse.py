from urllib.parse import parse_qs, quote, unquote_plus, urlencode, urljoin, urlsplit

parts = urlsplit("https://user@example.com:8080/a/b;c?x=1&x=2&y=%20#frag")
print(parts.hostname, parts.port, parts.path, parse_qs(parts.query, keep_blank_values=True))
print(urlencode({"q": "a b&c", "l": [1, 2]}, doseq=True), quote("ä/ö"), unquote_plus("a+b%21"))
print(urljoin("http://a/b/c/d", "../x"), urlsplit("//h/p").netloc)
