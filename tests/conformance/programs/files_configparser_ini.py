import configparser

config = configparser.ConfigParser()
config.read_string("[DEFAULT]\nhome = /srv\n[web]\nroot = %(home)s/www\nport = 8080\ndebug = yes\n[empty]\n")
config["db"] = {"host": "localhost"}
config.set("db", "timeout", "5")
with open("out.ini", "w") as file:
    config.write(file)
print(config.sections(), config["web"]["root"], config.getint("web", "port"), config["web"].getboolean("debug"))
print(open("out.ini").read(), config.get("web", "none", fallback="fallback"))
for bad in (lambda: config["missing"], lambda: config.get("web", "missing"), lambda: config.read_string("x = 1")):
    try:
        bad()
    except (KeyError, configparser.Error) as error:
        print(type(error).__name__, error)
