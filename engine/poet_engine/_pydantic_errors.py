"""Errors of pydantic as one sentence for people."""


def first_problem(error: Exception) -> str:
    """Return the first problem that a strict reader found, with its place, but without the input and links.

    Args:
        error: An error of pydantic, whose own text repeats the input and has links to its site, or any other error.
    """
    details = getattr(error, "errors", None)
    if details is None:
        return str(error)
    first = details(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}" if where else str(first["msg"])
