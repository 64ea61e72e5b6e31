"""Errors of private training."""

from __future__ import annotations

from hedgerow.model.errors.base import ErrorRow, caller, refused

_NOTHING = "Nothing was spent. "

ROWS: tuple[ErrorRow, ...] = (
    refused(
        "learn.undeclared",
        "Training lacks {missing}; it cannot be read off the data, which would tell of the people in it.",
        _NOTHING + "Pass {missing} to the estimator, from knowledge outside the data.",
    ),
    refused(
        "learn.seeded",
        "A random_state was given; noise that can be drawn again can be taken off again.",
        _NOTHING + "Leave random_state out: noise comes from the operating system.",
    ),
    caller(
        "learn.bad-parameter",
        "{parameter} is not what training can use.",
        _NOTHING + "{advice}",
    ),
    caller(
        "learn.bad-shape",
        "{name} has a shape that training cannot use: {problem}.",
        _NOTHING
        + "Give X with a row for each record and a column for each feature, and y with one value a row.",
    ),
    caller(
        "learn.not-numbers",
        "{name} holds something that is no real number: {problem}.",
        _NOTHING + "Encode it first, for example with hedgerow.learn.PublicEncoder.",
    ),
    caller(
        "learn.not-finite",
        "{name} holds a value that is missing, NaN or infinite.",
        _NOTHING + "Fill it with a constant chosen beforehand, or leave the row out.",
    ),
    caller(
        "learn.unknown-class",
        "y holds a class that was not declared.",
        _NOTHING + "Add it to classes=[...], or leave the row out.",
    ),
    refused(
        "learn.too-large",
        "Training with {number} {what} is beyond {most}, up to which it is exact.",
        _NOTHING + "Take fewer.",
    ),
    refused(
        "learn.budget-exhausted",
        "Training to epsilon {epsilon} does not fit what is left of the budget.",
        _NOTHING + "Train with a smaller epsilon, or open a larger budget.",
        exit_code=5,
        status=429,
    ),
    refused(
        "learn.budget-mixed",
        "Training by batches, or of more than 1,000 coefficients, does not add up exactly with what was "
        "spent from this budget before.",
        _NOTHING + "Train first and ask with what is left, or pass a budget of its own.",
    ),
    refused(
        "learn.delta-too-small",
        "A delta of {delta} leaves no room for what this training adds to it.",
        _NOTHING + "Give a delta such as 1e-6, far below 1 over the number of people.",
    ),
    caller(
        "learn.not-fitted",
        "This model has not been trained.",
        "Call fit(X, y) first.",
    ),
)
