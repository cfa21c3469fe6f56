"""How many tokens a text may have, where the model's own vocabulary cannot be asked."""

from __future__ import annotations

from phyassist.lm.protocol import Message

# The roles, separators and the opening of the answer, in the chat templates of today's models.
TOKENS_PER_MESSAGE = 8


def estimate_tokens(text: str) -> int:
    """Tokens of `text`, from above for the vocabularies of models that know Chinese.

    Three letters, one digit or sign, or half a Chinese character to a token; measured vocabularies need less.
    """
    letters = sum(1 for char in text if char.isascii() and (char.isalpha() or char == " "))
    other_ascii = sum(1 for char in text if char.isascii()) - letters
    wide = sum(1 for char in text if "\u3000" <= char <= "\u9fff" or "\uff00" <= char <= "\uffef")
    rest = len(text) - letters - other_ascii - wide
    return -(-letters // 3) + other_ascii + 2 * wide + 3 * rest + 1


def estimate_prompt_tokens(messages: tuple[Message, ...]) -> int:
    """Tokens of a whole prompt, from above."""
    return sum(estimate_tokens(message.content) + TOKENS_PER_MESSAGE for message in messages)


def count_fewest_tokens(messages: tuple[Message, ...]) -> int:
    """Tokens that a prompt has at the least: even in plain prose a token seldom holds eight bytes."""
    return sum(len(message.content.encode()) // 8 for message in messages)
