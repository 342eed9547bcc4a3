print("before")
exit()
print("never")
