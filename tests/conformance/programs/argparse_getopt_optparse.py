# argv: ["-n", "5", "--long=x", "rest"]
import getopt
import optparse
import sys

print(getopt.getopt(sys.argv[1:], "n:", ["long="]))
parser = optparse.OptionParser()
parser.add_option("-n", type="int", dest="number")
parser.add_option("--long")
options, rest = parser.parse_args()
print(options, rest)
try:
    getopt.getopt(["-z"], "n:")
except getopt.GetoptError as error:
    print(error)
