"""Errors of private training."""

from __future__ import annotations

from hedgerow.model.errors.base import ErrorRow, caller, fault, refused

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
        "learn.budget-no-delta",
        "Training adds Gaussian noise, which has no epsilon but at a delta, and this budget has none.",
        _NOTHING + "Open the budget with a delta, such as Budget.of('2', '1e-6').",
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
    refused(
        "learn.unsupported-layer",
        "The model has a layer of which a row's part of the gradient is not known: {layer}.",
        "Build it of nn.Sequential with {known}, each once and not in place, without hooks, and of "
        "activations, pooling and Flatten(1): the first dimension stays that of the rows.",
    ),
    caller(
        "train.model-unknown",
        "There is no kind of model called {model}.",
        "Take one of {known}.",
    ),
    caller(
        "train.no-target",
        "This kind of model predicts a column, and none was named.",
        _NOTHING + "Name it with --target COLUMN.",
    ),
    caller(
        "train.target-unused",
        "This kind of model predicts no column.",
        _NOTHING + "Leave --target out.",
    ),
    caller(
        "train.one-column",
        "A recommender learns from one column, whose declared keys are the items.",
        _NOTHING + "Name it with --features COLUMN, and declare its keys.",
    ),
    caller(
        "train.no-predictions",
        "A recommender predicts nothing of a row.",
        "Load it with hedgerow.learn.load(path) and call estimator.recommend(bought).",
    ),
    caller(
        "train.features",
        "The features are none, name a column twice, or name the target.",
        _NOTHING
        + "Name columns to learn from with --features A,B, or leave it out to take all that are declared.",
    ),
    refused(
        "train.no-features",
        "The owner has declared no column of {dataset} to learn from.",
        "{command}",
    ),
    refused(
        "train.hidden-column",
        "The column {column} says who a person is; no model learns from it.",
        _NOTHING + "Leave it out.",
    ),
    caller(
        "train.people",
        "The number of people is no whole number from 1 to {most}.",
        _NOTHING + "Give a round figure that is publicly known, or leave it out to have it measured.",
    ),
    caller(
        "train.no-accuracy",
        "This kind of model predicts nothing that could be right or wrong.",
        _NOTHING + "Leave --holdout-epsilon out.",
    ),
    caller(
        "train.nothing-to-tune",
        "This kind of model has no settings to choose among.",
        _NOTHING + "Leave --tune out.",
    ),
    refused(
        "train.inexact",
        "Training of more than 1,000 numbers at a step, or by batches, costs epsilon and delta, which leaves "
        "no room for measuring people or accuracy, or for choosing settings.",
        _NOTHING + "Tell with --people N how many people there publicly are, and leave --tune and "
        "--holdout-epsilon out.",
    ),
    caller(
        "train.bad-layers",
        "These layers make no model here: {problem}.",
        _NOTHING
        + 'Give `--model torch:FILE`, where FILE holds a JSON list of layers, as in [{{"layer": "Linear", '
        '"in_features": 4, "out_features": 2}}], or session.train(dataset, nn.Sequential(...), ...).',
    ),
    caller(
        "train.no-batches",
        "This kind of model is not trained by batches.",
        _NOTHING + "Leave --batch out, or train one of: {known}.",
    ),
    caller(
        "train.no-out",
        "The model would be written nowhere.",
        _NOTHING + "Name the model file to write with --out PATH, or print the model with --json.",
    ),
    caller(
        "train.bad-model",
        "This is no model file that can be read: {problem}.",
        "Name a file that `hedgerow train --out` wrote.",
    ),
    caller(
        "train.missing-columns",
        "The rows lack columns that the {model} model reads: {missing}.",
        "Give rows with these columns, named as they were in training.",
    ),
    caller(
        "train.unknown-columns",
        "The rows have no column {missing}.",
        "Name columns of the file with --keep, or leave it out.",
    ),
    fault(
        "learn.failed",
        "Training stopped with a {kind}, after it was paid for.",
        "Its cost is off the budget in budget_ and stays spent; nothing was learnt. Where memory was short, "
        "take fewer rows or columns; else report this.",
    ),
    fault(
        "train.overspent",
        "Training would have cost more than was planned for it; no model was released.",
        "Nothing was released, and the reservation stays spent. Report this.",
    ),
)
