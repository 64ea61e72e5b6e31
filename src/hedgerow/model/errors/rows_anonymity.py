"""Errors of k-anonymous tables, hierarchies and risk."""

from __future__ import annotations

from hedgerow.model.errors.base import Details, ErrorRow, caller, fault, refused


def _population_wanted(details: Details) -> Details:
    """What may be given: a size does not do for a model that needs the table."""
    if "table" in str(details.get("needs")):
        k_map = " Or ask for an estimate by its size, such as k-map=5,0.05."
        other = "" if not str(details.get("model")).startswith("k-map") else k_map
        return {"wanted": f"a CSV with everybody's quasi-identifiers, a line per person.{other}"}
    return {"wanted": "a CSV with everybody's quasi-identifiers, a number of people or a region."}


def _column_meant(details: Details) -> Details:
    return {"look": details.get("meant") or "Check the spelling against the table's columns."}


ROWS: tuple[ErrorRow, ...] = (
    caller(
        "anonymity.k-too-small",
        "k is {k}: a class of one row hides nobody.",
        "Give a whole number k of at least 2, such as --k 5.",
    ),
    caller(
        "anonymity.l-too-small",
        "l is {l}: it must be a whole number of at least 2.",
        "Give l of at least 2, or leave it out.",
    ),
    caller(
        "anonymity.l-without-sensitive",
        "l is given but no sensitive column is named.",
        "Name the sensitive columns, such as --sensitive diagnosis, or leave l out.",
    ),
    caller(
        "anonymity.limit-out-of-range",
        "The suppression limit is no number between 0 and 1.",
        "Give the largest share of rows that may be dropped, such as 0.05.",
    ),
    caller(
        "anonymity.no-quasi",
        "No quasi-identifier is named.",
        "Name the columns that identify people in combination, such as --quasi age,zip,sex.",
    ),
    caller(
        "anonymity.unknown-column",
        "There is no column {column} in the table.",
        "{look}",
        derived=_column_meant,
    ),
    caller(
        "anonymity.ambiguous-column",
        "The table has more than one column {column}.",
        "Rename the columns so that each name stands once.",
    ),
    caller(
        "anonymity.repeated-column",
        "Column {column} is listed more than once.",
        "List each column once, as quasi-identifier, as sensitive or as kept; a sensitive column"
        " must not be a quasi-identifier.",
    ),
    caller(
        "anonymity.sensitive-is-quasi",
        "Column {column} is named as quasi-identifier and as sensitive.",
        "Name it once. quasi-identifiers are what others may know, sensitive is what must not be learnt.",
    ),
    caller(
        "anonymity.unlisted-column",
        "Column {column} is neither quasi-identifier, sensitive nor kept: it could identify people.",
        "List it as quasi-identifier or sensitive, list it in keep if it identifies nobody, or drop it.",
    ),
    caller(
        "anonymity.column-type",
        "Column {column} is of type {type}, which a release cannot hold.",
        "Turn it into text, numbers, booleans, dates or timestamps first, or drop it.",
    ),
    caller(
        "anonymity.empty-table",
        "The table has no rows.",
        "Give a table with at least k rows.",
    ),
    caller(
        "anonymity.k-above-rows",
        "The table has fewer rows than k = {k}.",
        "Lower k or give a larger table.",
    ),
    caller(
        "anonymity.search-cut-short",
        "No combination of levels that meets what is asked was among the {checks} that were counted.",
        "Allow more checks, name fewer quasi-identifiers, give shorter hierarchies, or bound levels with"
        " max_levels.",
    ),
    caller(
        "anonymity.level-out-of-range",
        "The coarsest level given for column {column} is not between 0 and {top}.",
        "Give a level of its hierarchy, or leave the column out of max_levels.",
    ),
    caller(
        "anonymity.not-fitted",
        "This transformer was not fitted to a table.",
        "Call fit with the table that is to become k-anonymous first.",
    ),
    caller(
        "anonymity.bad-weight",
        "The weight of column {column} is no number of at least 0, or nothing but 0 is left to weigh by.",
        "Give weights of 0 or more, one of them above 0, such as --weight age=2.",
    ),
    caller(
        "anonymity.unknown-mean",
        "There is no mean called {mean}.",
        "Give arithmetic or geometric.",
    ),
    caller(
        "anonymity.no-checks",
        "A search that may count nothing finds nothing.",
        "Give most_checks of at least 1, or leave it out.",
    ),
    caller(
        "anonymity.hierarchy-for-no-quasi",
        "A hierarchy, level bound or weight is given for {column}, which is no quasi-identifier.",
        "Name the column as quasi-identifier or leave it out.",
    ),
    caller(
        "anonymity.value-not-in-hierarchy",
        "Column {column} holds values that {hierarchy} does not list.",
        "Add a line for each missing value, or leave that hierarchy out to have one built.",
    ),
    caller(
        "anonymity.no-table",
        "This is no Arrow, pandas or Polars table.",
        "Give a pyarrow.Table, a pandas.DataFrame or a polars.DataFrame; k_anonymise, release_candidates,"
        " KAnonymizer and measure also take a dict of columns of one length.",
    ),
    caller(
        "anonymity.no-batches",
        "What is read are no Arrow record batches.",
        "Give a function such as lambda: dataset.to_batches().",
    ),
    caller(
        "anonymity.rows-changed",
        "The rows or their columns were not the same each time they were read.",
        "Read what nobody changes meanwhile, from its beginning each time. Do not use what was written.",
    ),
    caller(
        "anonymity.model-unknown",
        "That is no privacy model.",
        "Give one of {known}, such as 'entropy-l(diagnosis)=3'.",
    ),
    caller(
        "anonymity.model-malformed",
        "The model {model} is not written like that.",
        "Write it {form}.",
    ),
    caller(
        "anonymity.model-range",
        "The model {model} takes {range}.",
        "Give such a number.",
    ),
    caller(
        "anonymity.model-column",
        "The model {model} is about a column that is not named as sensitive.",
        "Name the column as sensitive, such as --sensitive diagnosis, and the model by the same name.",
    ),
    caller(
        "anonymity.model-population",
        "The model {model} needs {needs}.",
        "Give --population: {wanted}",
        derived=_population_wanted,
    ),
    caller(
        "anonymity.model-hierarchy",
        "The model {model} measures by a hierarchy, and none is given for its column.",
        "Give a hierarchy of that column, such as --hierarchies DIR with a file COLUMN.csv in it, or choose"
        " the distance equal or ordered.",
    ),
    caller(
        "anonymity.model-order",
        "The model {model} measures by order, and the values of its column have none.",
        "Choose the distance equal or hierarchical; numbers, dates and truth values have an order.",
    ),
    caller(
        "anonymity.method-model",
        "The model {model} needs the table of a population: local recoding does not try it.",
        "Leave the model out, or choose the method exact.",
    ),
    caller(
        "anonymity.unknown-method",
        "There is no method called {method}.",
        "Choose exact, local, auto or cells.",
    ),
    caller(
        "anonymity.population-columns",
        "The population does not have the quasi-identifier {column}.",
        "Give a table with every quasi-identifier, one row per person.",
    ),
    caller(
        "anonymity.population-short",
        "The population does not hold everybody of the table.",
        "Give a population of which the people of the table are a part, with the same values.",
    ),
    caller(
        "population.unreadable",
        "The population {path} is no number of people, no known region and no CSV that can be read.",
        "Give a number such as 80000, a region such as usa, or a CSV with a header and a line per person.",
    ),
    caller(
        "population.too-large",
        "The population {path} has more than {limit} lines.",
        "Give the number of its people instead, with models that take an estimate, such as k-map=5,0.05.",
    ),
    caller(
        "harbor.areas-unreadable",
        "The file {path} tells no people by the first three digits of zip codes.",
        "Give a CSV of lines such as 021,500000.",
    ),
    caller(
        "harbor.bad-column",
        "{text} is no column with its category.",
        "Write it COLUMN=CATEGORY, such as --column ward=other.",
    ),
    caller(
        "harbor.unknown-category",
        "The category named for column {column} is none that there is.",
        "Give other where it holds no identifier, state for States and larger places, or one of {known}.",
    ),
    caller(
        "hierarchy.empty",
        "There are no rows in {hierarchy}.",
        "Give one row per value: value;level 1;level 2;...;*",
    ),
    caller(
        "hierarchies.separator",
        "The hierarchy file {file} parts its cells by something else than semicolons.",
        "Save it with semicolons: a line for each value, such as 39;35-39;30-39;*",
    ),
    caller(
        "hierarchy.ragged",
        "In {hierarchy}, row {row} has another number of cells ({cells}) than the first ({expected}).",
        "Give every row the same number of levels.",
    ),
    caller(
        "hierarchy.repeated-value",
        "In {hierarchy}, row {row} repeats a value of an earlier row.",
        "List each value once.",
    ),
    caller(
        "hierarchy.not-nested",
        "In {hierarchy}, level {level} splits a group of the level below it (row {row}).",
        "Make each level join whole groups of the level before it.",
    ),
    caller(
        "hierarchy.not-a-number",
        "Numbers were expected for intervals, but a value or bound is none.",
        "Give finite numbers, a step above 0 and a lower bound below the upper one.",
    ),
    caller(
        "hierarchy.not-a-date",
        "Dates were expected, but a value is none.",
        "Give ISO dates (2024-03-17) or timestamps, or build categories instead.",
    ),
    refused(
        "anonymity.unreachable",
        "No release keeps any quasi-identifier within these limits (k = {k}, l = {l}).",
        "Lower k or l, ask less of the models, allow more suppression, name fewer quasi-identifiers, or"
        " allow coarser levels. `hedgerow release --candidates` with the same options tells what can be"
        " reached.",
        status=422,
    ),
    fault(
        "anonymity.recount",
        "The recount of the released table does not confirm k or l; nothing was released.",
        "Report this as a defect and do not use the table.",
    ),
)
