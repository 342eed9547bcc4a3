raise ExceptionGroup("two", [ValueError(1), TypeError("t")])
