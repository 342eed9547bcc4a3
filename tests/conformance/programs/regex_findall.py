import re

text = "2024-01-05 ERROR disk /dev/sda1 full; 2024-02-10 WARN temp=81.5C"
print(re.findall(r"\d{4}-\d\d-\d\d", text), re.findall(r"(\w+)=(\d+\.\d)", text))
for match in re.finditer(r"(?P<date>[\d-]+) (?P<level>[A-Z]+)", text):
    print(match.groupdict(), match.span("level"), match[0])
print(re.split(r"[;,]\s*", text), re.sub(r"(\d+)-(\d+)", r"\2/\1", text), re.subn("[aeiou]", "*", "education"))
print(re.match("a", "ba"), re.fullmatch(r"\w+", "abc"), re.escape("a.b*c"))
