try:
    quit(4)
finally:
    print("cleaned up")
