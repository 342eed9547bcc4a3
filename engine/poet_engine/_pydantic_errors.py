"""What is wrong with data that was read strictly, in one sentence."""


def first_problem(error: Exception) -> str:
    """The first thing that a strict reader found, with its place; nothing of the input and no link.

    Args:
        error: Of pydantic, whose own text repeats the input and links to its site, or any other.
    """
    details = getattr(error, "errors", None)
    if details is None:
        return str(error)
    first = details(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}" if where else str(first["msg"])
