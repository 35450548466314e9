"""The error of a question that has no answer."""


class AnswerError(Exception):
    """A question has no answer; the text tells the assistant why, and what it can ask instead.

    It is in English, as the questions are: a language model says it in the language of the user.
    """
