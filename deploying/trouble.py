"""What stops a step of a deployment; each says what to do."""


class Trouble(RuntimeError):
    """The step cannot go on. Its text says what to do."""


class NotYet(RuntimeError):
    """It may go well in a moment; the text says what came back."""
