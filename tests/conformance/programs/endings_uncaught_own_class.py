class AppError(Exception):
    def __str__(self):
        return "code 7\nsecond line"


error = AppError()
error.add_note("a note")
raise error
