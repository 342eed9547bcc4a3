# stdin: "to be or not to be\nthat is the question\n"
import sys
from collections import Counter

counts = Counter(word for line in sys.stdin for word in line.split())
for word, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
    print(f"{word:<10}{count:>3}")
