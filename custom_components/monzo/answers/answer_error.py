"""The error for a question that cannot be answered."""


class AnswerError(Exception):
    """A question cannot be answered.

    The message tells the assistant why, and which questions would work. It is in English, like the
    questions; a language model translates it for the user.
    """
