def load(name):
    try:
        return {}[name]
    except KeyError as error:
        raise RuntimeError(f"cannot load {name}") from error


def main():
    try:
        load("config")
    except RuntimeError:
        raise ValueError("startup failed")


if __name__ == "__main__":
    main()
