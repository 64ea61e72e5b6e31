"""Errors of coordinates, time bands, trajectories and merchant codes."""

from __future__ import annotations

from hedgerow.model.errors.base import ErrorRow, caller, fault, refused

ROWS: tuple[ErrorRow, ...] = (
    caller(
        "places.no-table",
        "This is no Arrow, pandas or Polars table.",
        "Give a pyarrow.Table, a pandas.DataFrame or a polars.DataFrame.",
    ),
    caller(
        "places.unknown-column",
        "There is no column {column} in the table.",
        "Check the spelling against the table's columns.",
    ),
    caller(
        "places.repeated-column",
        "Column {column} stands in the table more than once, or is asked for more than once.",
        "Give each column a name and a part of its own.",
    ),
    caller(
        "places.empty-table",
        "The table has no rows.",
        "Give a table with rows.",
    ),
    caller(
        "places.column-type",
        "Column {column} is of type {type}, where {wanted} belong.",
        "Turn it into {wanted} first.",
    ),
    caller(
        "places.missing",
        "Column {column} has rows without a value.",
        "Drop those rows first.",
    ),
    caller(
        "places.no-coordinate",
        "Column {column} has rows without a coordinate.",
        "Drop those rows, or keep them without a cell: missing keep.",
    ),
    caller(
        "places.out-of-range",
        "Column {column} holds coordinates beyond {most} degrees.",
        "Give degrees of WGS 84: latitudes from -90 to 90, longitudes from -180 to 180.",
    ),
    caller(
        "places.swapped",
        "Columns {latitude} and {longitude} seem to be exchanged.",
        "Name the other one as latitude.",
    ),
    caller(
        "places.outside",
        "Some places of columns {latitude} and {longitude} lie where the population has nobody.",
        "Mend or drop them, give the whole population, or let them become *: outside coarsest.",
    ),
    caller(
        "places.least",
        "A cell of at least {least} people hides nobody.",
        "Give at least 2 people, such as 1000.",
    ),
    caller(
        "places.strays",
        "The share of the population that may be left over is no number between 0 and 1.",
        "Give a small share such as 0.05.",
    ),
    caller(
        "places.choice",
        "There is no such choice for {name}.",
        "Choose one of {choices}.",
    ),
    caller(
        "places.edge",
        "The edge of the finest cell is no length on earth.",
        "Give metres, at least 1, such as 250.",
    ),
    caller(
        "places.people",
        "A number of people in the population is missing, negative or beyond all people.",
        "Give how many people live at each place: 0 or more.",
    ),
    caller(
        "places.too-few-people",
        "There are fewer than {least} people in all.",
        "Give a larger population, or ask each cell to keep fewer people.",
    ),
    caller(
        "places.time-parts",
        "These parts of a moment cannot be told.",
        "Choose each once from {parts}; any stands alone.",
    ),
    caller(
        "places.time-edges",
        "The edges of the day are not ascending minutes from 0 to 1439.",
        "Give where each band begins in minutes after midnight, such as 0,360,720,1080.",
    ),
    caller(
        "places.time-zone",
        "There is no such time zone.",
        "Name one of the IANA time zones, such as Europe/Berlin.",
    ),
    caller(
        "places.zone-needed",
        "The times of column {column} carry a zone, and the zone that people live by is not named.",
        "Name it, such as zone Europe/Berlin: the same moment is morning here and night there.",
    ),
    caller(
        "places.naive-times",
        "The times of column {column} carry no zone, so they cannot be turned into another.",
        "Leave the zone out where they are local times as written, or say of which zone they are first.",
    ),
    caller(
        "places.merchant-level",
        "There is no such level of merchant categories, or no such share.",
        "Choose code, group or sector, and a share between 0 and 1.",
    ),
    caller(
        "places.trajectory-rule",
        "These limits keep nothing: {why}.",
        "Give k of at least 2, 1 to 4 known points, and a share dropped between 0 and 1.",
    ),
    caller(
        "places.k-above-people",
        "The table has fewer people than k = {k}.",
        "Lower k or give a larger table.",
    ),
    caller(
        "places.place-not-in-hierarchy",
        "Column {column} holds places that the hierarchy does not list.",
        "Add the missing places to it, or leave it out.",
    ),
    refused(
        "places.unreachable",
        "At no pair of levels do any {known} points fit {k} people with so few rows dropped.",
        "Lower k, let more rows be dropped, or give coarser levels of place or time.",
        status=422,
    ),
    refused(
        "places.uncounted",
        "No pair of levels is enough; {pairs} could not be counted within {limit} combinations, and what is"
        " not counted is not claimed.",
        "Let more combinations be counted, or give coarser levels or fewer days.",
        status=422,
    ),
    fault(
        "places.recount",
        "The recount of the released trajectories does not confirm k; nothing was released.",
        "Report this as a defect and do not use the table.",
    ),
)
