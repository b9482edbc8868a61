"""The one kind of error that a user sees."""


class UserError(Exception):
    """A fault that the user can mend.

    The message is one line: the file, line or key at fault, what is wrong with it, and the way
    out. The command line prints it alone, without a traceback, and exits with 1.
    """
