"""What a query may not hold, each kind with the next step that fits it.

Nothing of the query's own text stands in these words: they say what kind of thing was met, and show
the corrected form with made-up names.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from hedgerow.model.errors import Refused

LIST_MAX = 1000
OUTPUTS_MAX = 50
BRANCHES_MAX = 100


@dataclass(frozen=True, slots=True)
class Hint:
    """A kind of thing that is not answered.

    Args:
        part: What it is called.
        advice: What to write instead.
    """

    part: str
    advice: str

    def refusal(self) -> Refused:
        """Build the refusal."""
        return Refused("dp.sql-unsupported", part=self.part, advice=self.advice)


_Kinds = tuple[tuple[tuple[type[exp.Expr], ...], Hint], ...]

_ONE_SELECT = "Write one SELECT with its conditions in WHERE, "
_RANKING = "SELECT ward, COUNT(*) AS n FROM DATASET GROUP BY ward ORDER BY n DESC"
_COLUMNS = "GROUP BY ward, sex"
_NUMBER = "Write the constant out in digits, such as 1000, 0.5 or -3; text stands in single quotes."
_GROUPING = f"Name the columns, as in {_COLUMNS}; for totals add up the answer or ask without GROUP BY."
_DISTINCT = (
    "Count people by COUNT(DISTINCT person). How many values there are may hang on one person: leave "
    "DISTINCT out, and COUNT(column) counts rows that hold a value, GROUP BY column rows at each key."
)

# Clauses around the outputs.
CLAUSE = Hint("a clause", "Use SELECT, FROM, WHERE, GROUP BY, ORDER BY and LIMIT only.")
JOIN = Hint(
    "a join", "Join public tables after the FROM of the query itself; otherwise ask one data set at a time."
)
HAVING = Hint(
    "another condition in HAVING",
    "Compare statistics with numbers, joined by AND, OR and NOT: HAVING COUNT(*) > 100 AND AVG(age) < 50; "
    "conditions on columns stand in WHERE.",
)
DISTINCT_ROWS = Hint("DISTINCT", "Leave DISTINCT out: GROUP BY shows each declared key once.")
WINDOW = Hint("a window function", f"Use GROUP BY instead of OVER, and rank by ORDER BY: {_RANKING}")
WITH = Hint("WITH", _ONE_SELECT + "without WITH.")
OFFSET = Hint("OFFSET", "Write LIMIT alone and drop rows from the answer; that is free.")
INTO = Hint("INTO", "Leave INTO out and keep the answer yourself; it is also kept under its request id.")
PIVOT = Hint("PIVOT", f"Write {_COLUMNS} and turn the answer round; that is free.")
SAMPLE = Hint(
    "sampling", "Ask without a sample: the noise protects people, and a sample only loses precision."
)
TOP = Hint("TOP", "Write the number of rows at the end: LIMIT 10")
FETCH = Hint("FETCH", "Write LIMIT 10 instead.")
LIMIT = Hint("LIMIT with anything but a whole number", "Write a number of rows up to 1,000,000: LIMIT 10")
LIMIT_NONE = Hint("LIMIT 0", "It would show nothing and cost as much; write LIMIT 10, or leave LIMIT out.")
OUTPUTS = Hint(
    f"a list of more than {OUTPUTS_MAX} outputs", "Ask for fewer: each further statistic adds noise to all."
)

# The statement and its source.
SEVERAL = Hint("more than one statement", "Send one SELECT at a time; each is a use of its own.")
UNION = Hint(
    "a union or another statement", "Send each SELECT by itself, or join their conditions by OR in WHERE."
)
EXPLAIN = Hint("EXPLAIN", "Leave EXPLAIN out and use `--explain`: it tells the cost and the error to expect.")
OPENING = Hint("another beginning than SELECT", "Begin with SELECT, without parentheses around the query.")
FROM_QUERY = Hint(
    "another source in FROM",
    "Write one SELECT from the data set or from one sub-query of it: FROM (SELECT age FROM DATASET) AS t",
)
INNER_CLAUSE = Hint(
    "a sub-query with another clause",
    "Inside FROM write SELECT, columns and expressions with names, FROM, JOIN and WHERE; and GROUP BY person "
    "with HAVING for one row of each person.",
)
_EACH_PERSON = "FROM (SELECT person, COUNT(*) AS n FROM DATASET GROUP BY person) AS t"
NO_PERSON = Hint(
    "a sub-query with statistics that does not keep the person",
    "Its rows would mix people, so that nobody's part in them is bounded. Group it by person: "
    + _EACH_PERSON,
)
GATHERED_TWICE = Hint(
    "a sub-query of gathered rows that is gathered once more", f"Gather them once: {_EACH_PERSON}"
)
GATHERED = Hint(
    "another statistic of the rows of one person",
    f"Inside a sub-query COUNT, SUM, MIN, MAX and AVG are worked out, each with a name: {_EACH_PERSON}",
)
GATHERED_NESTED = Hint(
    "an expression of statistics inside a sub-query",
    "Name each statistic with AS inside, and work with the names outside: SELECT AVG(n * 2) " + _EACH_PERSON,
)
UNGROUPED = Hint(
    "a column of a sub-query that it does not group by",
    "Add it to the inner GROUP BY, or ask for COUNT, SUM, MIN, MAX or AVG of it.",
)
GATHERED_GROUP = Hint(
    "GROUP BY a column of a sub-query whose values are too many to be shown",
    "Group by WIDTH_BUCKET(n, 0, 100, 10), FLOOR(n / 5) * 5 or CASE with constants.",
)
GATHERED_NEVER = Hint(
    "a condition that no row of the sub-query can meet",
    "Its columns lie within bounds that follow from those declared, which `--explain` tells; of a person at "
    "most max_rows rows count: `hedgerow dataset declare DATASET --max-rows N`",
)
GATHERED_LATE = Hint(
    "rows that are gathered after something was asked of them",
    "Call per_person(...) right after where and join, and group_by, agg and the rest after it.",
)
GATHERED_JOIN = Hint(
    "a join of gathered rows",
    "Join before rows are gathered: table.join(...).per_person(...), or the JOIN inside the sub-query.",
)
GATHERED_FOUND = Hint(
    "keys found in the data beside a sub-query with one row for each person",
    "Declare the keys: `hedgerow dataset declare DATASET --keys COLUMN=VALUE,...`",
)
UNNAMED = Hint(
    "an expression without a name in a sub-query",
    "Name it with AS: SELECT pay * 12 AS yearly, or SELECT person, COUNT(*) AS n",
)
QUALIFIED = Hint(
    "a qualified data set or a table function",
    "Write the bare name of the data set after FROM, or leave FROM out.",
)
ALIAS = Hint(
    "a data set with new column names", "Give the data set one short name at most: FROM DATASET AS d"
)
OTHER_TABLE = Hint(
    "a column of another table", "Write the bare name of the column; only one data set is asked at a time."
)

# GROUP BY and ORDER BY.
ROLLUP = Hint("GROUP BY ALL, ROLLUP or CUBE", _GROUPING)
GROUP_LIST = Hint("GROUP BY a list in parentheses", f"Leave the parentheses out: {_COLUMNS}")
GROUP_PLACE = Hint(
    "GROUP BY a position that is no column",
    "Name the column, or give the position of a plain column after SELECT.",
)
GROUP_EXPRESSION = Hint(
    "GROUP BY an expression whose values are not known beforehand",
    "Group by columns with declared keys, WIDTH_BUCKET(age, 0, 100, 10), FLOOR(age / 10) * 10, or CASE with "
    "constants.",
)
GROUP_FRACTION = Hint(
    "GROUP BY an expression whose values are no whole numbers",
    "Group by the number of the step: FLOOR(pay / 0.5), or by WIDTH_BUCKET(pay, 0, 100, 200).",
)
ORDER = Hint(
    "ORDER BY anything but an output",
    "Sort by the name, alias, position or statistic of an output: ORDER BY n DESC",
)
NULLS_FIRST = Hint("NULLS FIRST", "Leave it out: means that cannot be told always come last.")

# Outputs.
STAR = Hint(
    "SELECT *", "Rows are never shown: ask COUNT(*); see the columns with `hedgerow dataset show DATASET`"
)
COUNT_OF_NOTHING = Hint(
    "COUNT of anything but rows or a column", "Write COUNT(*) to count rows, or COUNT(column)."
)
ONE_COLUMN = Hint(
    "an aggregate of anything but one column or expression",
    "Name one plain column or an expression on columns, as in SUM(pay) or SUM(pay * 12).",
)
DISTINCT_VALUES = Hint("DISTINCT in a statistic", _DISTINCT)
_EXTREME = (
    "Which row holds the extreme tells of one person and is never told; ask MIN(age) or MAX(age), answered "
    "by a quantile, or COUNT(*) WHERE age >= 90."
)
PORTION = Hint(
    "a quantile that is not between 0 and 1",
    "Write a number above 0 and below 1 with at most four decimals, as in QUANTILE(age, 0.25); for the ends "
    "ask MIN(age) or MAX(age), answered by the 0.05 and the 0.95 quantile.",
)
QUANTILE_FORM = Hint(
    "a quantile written in another way",
    "Write QUANTILE(age, 0.25), or PERCENTILE_CONT(0.25) WITHIN GROUP (ORDER BY age), smallest first.",
)
OF_STATISTIC = Hint(
    "a statistic of a statistic",
    "Ask the inner statistic with GROUP BY and go on from the answer, which is free: SELECT ward, COUNT(*) "
    "FROM DATASET GROUP BY ward",
)
CONDITIONAL = Hint(
    "a condition inside an output",
    "Write CASE inside the statistic, COUNT(CASE WHEN age > 30 THEN 1 END), or put the condition in WHERE: "
    "SELECT COUNT(*) FROM DATASET WHERE age > 30",
)
MEAN = Hint("MEAN", "Write AVG(column).")
SPREAD = Hint(
    "a spread by another name",
    "Write STDDEV(age) or VARIANCE(age); STDDEV_POP and VAR_POP divide by the count, the others by one less.",
)
FUNCTION = Hint(
    "a function",
    "COUNT, SUM and AVG of a column are answered, MEDIAN, QUANTILE, MIN and MAX, VARIANCE and STDDEV.",
)
_QUANTILE_NAMES = ("QUANTILE", "PERCENTILE", "APPROX_PERCENTILE", "APPROX_QUANTILE")
ARITHMETIC = Hint(
    "an expression on columns",
    "Ask the statistics plain and do the arithmetic on the answer, which is free; a mean is AVG(column).",
)
CONSTANT_SHOWN = Hint(
    "a constant in the result", "Leave it out; a column is named bare or in double quotes, as in ward."
)
# Expressions on columns.
EXPRESSION = Hint(
    "an expression of this form",
    "Columns and numbers are joined by + - * and /, ABS, ROUND, FLOOR, CEIL, LEAST, GREATEST, CLAMP, "
    "COALESCE, CASE and WIDTH_BUCKET.",
)
EXPRESSION_DEPTH = Hint("an expression nested this deep", "Write it flatter, or ask its parts by themselves.")
DIVISION = Hint(
    "a division by what may be zero",
    "Divide by a number other than 0, as in pay / 12; for a ratio ask both sums and divide the answer, which "
    "is free.",
)
NOT_A_NUMBER = Hint(
    "text or truth where a number belongs",
    "Work with numbers; text stands in conditions: CASE WHEN ward = 'A' THEN 1 ELSE 0 END",
)
COALESCE = Hint(
    "COALESCE with anything but one constant", "Write a column or expression and one number: COALESCE(pay, 0)"
)
CLAMP = Hint("CLAMP of this form", "Write a value and two numbers, the lower first: CLAMP(pay, 0, 100)")
ROUNDING = Hint("ROUND of this form", "Write a value and how many digits are kept, -9 to 9: ROUND(pay, 2)")
BUCKETS = Hint(
    "WIDTH_BUCKET of this form",
    "Write a value, two numbers, the lower first, and how many buckets, up to 10,000: "
    "WIDTH_BUCKET(age, 0, 100, 10)",
)
CASE = Hint(
    "CASE of this form",
    f"Write at most {BRANCHES_MAX} branches with a condition each: CASE WHEN age < 30 THEN 1 ELSE 0 END",
)
NESTED = Hint(
    "a statistic inside an expression",
    "Ask the statistic plain and do the arithmetic on the answer, which is free.",
)
MIXED = Hint("CASE whose values are of several kinds", "Give each branch a number, or each a text.")
TEXT_VALUE = Hint(
    "an expression with text for its values in a statistic or a condition",
    "Let CASE give numbers, as in CASE WHEN ward = 'A' THEN 1 ELSE 0 END; as a group its values may be text.",
)
FOUND = Hint(
    "groups found in the data beside an expression in WHERE or GROUP BY",
    "Declare the keys of each grouping column, or leave the expression to the statistics.",
)
TOO_LARGE = Hint(
    "an expression whose values could pass 64 bits",
    "Narrow it with CLAMP(pay, 0, 1000), write fewer decimals, or ask its parts by themselves.",
)
_AFTERWARDS = "Ask the plain column or statistic and round, convert or format the answer; that is free."

_DATE_PARTS = (
    exp.Year,
    exp.Month,
    exp.Day,
    exp.Quarter,
    exp.Week,
    exp.Extract,
    exp.DateTrunc,
    exp.TimestampTrunc,
)
DATE_PART = Hint(
    "a part of a date", "Compare the dates in WHERE: seen >= DATE '2025-01-01' AND seen < DATE '2026-01-01'"
)

_OUTPUTS: _Kinds = (
    ((exp.Subquery,), Hint("a sub-query", "Ask the inner query by itself.")),
    ((exp.Window,), WINDOW),
    ((exp.ArgMin, exp.ArgMax), Hint("the row of an extreme", _EXTREME)),
    ((exp.PercentileCont, exp.PercentileDisc, exp.ApproxQuantile), QUANTILE_FORM),
    (
        (exp.Corr, exp.CovarPop, exp.CovarSamp),
        Hint("a correlation", "Ask AVG of one column at each declared key of another: GROUP BY ward"),
    ),
    ((exp.Mode,), Hint("MODE", f"Take the largest noisy group: {_RANKING} LIMIT 1")),
    (
        (exp.ArrayAgg, exp.GroupConcat, exp.First, exp.Last, exp.AnyValue),
        Hint("a list of values", "Single values are never shown; ask a COUNT with GROUP BY a column."),
    ),
    (_DATE_PARTS, DATE_PART),
    ((exp.ApproxDistinct, exp.Distinct), DISTINCT_VALUES),
    ((exp.CountIf, exp.Filter, exp.Case, exp.If, exp.Predicate), CONDITIONAL),
    ((exp.Literal, exp.Null, exp.Boolean, exp.Array), CONSTANT_SHOWN),
    (
        (
            exp.Cast,
            exp.Round,
            exp.Coalesce,
            exp.Floor,
            exp.Ceil,
            exp.Upper,
            exp.Lower,
            exp.Trim,
            exp.Substring,
        ),
        Hint("a function around an output", _AFTERWARDS),
    ),
)

# Conditions.
DEPTH = Hint("a condition nested this deep", "Write it flatter: AND and OR take any number of parts.")
CONDITIONS = Hint(f"more than {LIST_MAX} conditions", "Use IN for many constants: WHERE ward IN ('A', 'B')")
IN_LIST = Hint(
    "IN with no or too many constants", f"Give IN 1 to {LIST_MAX} constants: WHERE ward IN ('A', 'B')"
)
NO_COLUMN = Hint(
    "a condition without a column", "Leave the condition out, or compare a column with a constant."
)
IS = Hint("IS with anything but NULL, TRUE or FALSE", "Write a comparison by =, or IS NULL.")
IS_DISTINCT = Hint("IS DISTINCT FROM", "Write age <> 30 OR age IS NULL.")
SYMMETRIC = Hint("BETWEEN SYMMETRIC", "Write BETWEEN with the lower constant first: age BETWEEN 20 AND 30")
NULL = Hint("a comparison with NULL", "Write age IS NULL or age IS NOT NULL.")
NUMBER = Hint("a number of this form", _NUMBER)
PATTERN = Hint("LIKE or another pattern", "Name the values that are meant: WHERE ward IN ('A', 'B')")
INNER = Hint("a sub-query in WHERE", "Ask the inner query first and put its answer in as a number.")
TWO_COLUMNS = Hint(
    "a comparison of two columns",
    "Compare with a constant; text stands in single quotes, as in ward = 'A'; double quotes name columns.",
)
LEFT = Hint(
    "a function that is not worked out on rows",
    "Columns and numbers are joined by + - * and /, ABS, ROUND, FLOOR, CEIL, LEAST, GREATEST, CLAMP, "
    "COALESCE, CASE and WIDTH_BUCKET.",
)
SPELLING = Hint(
    "a function on text", "Text is compared to the letter; name each spelling: ward IN ('a', 'A')"
)
STATISTIC = Hint(
    "a statistic in WHERE", "Conditions look at one row; compare the statistic in the answer yourself."
)
PARAMETER = Hint("a parameter", "Write the constant into the query itself: age > 30")
NOW = Hint("a computed date", "Write the date out: seen >= DATE '2025-01-31'")
CONSTANT = Hint("a comparison with anything but a constant", _NUMBER)
OTHER_CONDITION = Hint(
    "another condition in WHERE", "Compare columns with constants by =, <>, <, >, IN, BETWEEN or IS NULL."
)

_VALUES: _Kinds = (
    ((exp.Null,), NULL),
    ((exp.Column,), TWO_COLUMNS),
    ((exp.Query, exp.Subquery, exp.Any, exp.All), INNER),
    ((exp.Placeholder, exp.Parameter), PARAMETER),
    (
        (
            exp.CurrentDate,
            exp.CurrentTimestamp,
            exp.CurrentDatetime,
            exp.CurrentTime,
            exp.Localtimestamp,
            exp.Interval,
            exp.DateAdd,
            exp.DateSub,
        ),
        NOW,
    ),
)
_COMPARED: _Kinds = (
    ((exp.AggFunc,), STATISTIC),
    ((exp.Query, exp.Subquery), INNER),
    ((exp.Literal, exp.Boolean, exp.Null), NO_COLUMN),
    (_DATE_PARTS, DATE_PART),
    ((exp.Lower, exp.Upper, exp.Trim, exp.Substring, exp.Length), SPELLING),
)
_CONDITIONS: _Kinds = (
    (
        (exp.Like, exp.ILike, exp.SimilarTo, exp.RegexpLike, exp.RegexpILike, exp.StartsWith, exp.Contains),
        PATTERN,
    ),
    ((exp.Exists, exp.Query, exp.Subquery), INNER),
    ((exp.NullSafeNEQ, exp.NullSafeEQ), IS_DISTINCT),
    ((exp.Boolean, exp.Literal, exp.Null), NO_COLUMN),
)
_PATTERN_NAMES = ("REGEXP", "CONTAINS", "STARTS", "ENDS", "PREFIX", "SUFFIX")


def of_output(node: exp.Expr) -> Hint:
    """Choose the hint for an output that is neither a column nor a statistic that is answered."""
    if isinstance(node, exp.Anonymous) and str(node.this).upper() in ("MEAN", "AVERAGE"):
        return MEAN
    if isinstance(node, exp.Anonymous) and str(node.this).upper() in (
        "STD",
        "VAR",
        "STDEV",
        "STDEVP",
        "VARP",
    ):
        return SPREAD
    if isinstance(node, exp.Anonymous) and str(node.this).upper().startswith(_QUANTILE_NAMES):
        return QUANTILE_FORM
    if isinstance(node, exp.WithinGroup):
        return of_output(node.this)
    return _first(_OUTPUTS, node) or (FUNCTION if isinstance(node, exp.Func) else ARITHMETIC)


def of_argument(node: exp.Expr | None) -> Hint:
    """Choose the hint for what stands in a statistic's parentheses."""
    if node is None or isinstance(node, exp.Star | exp.Literal | exp.Null):
        return COUNT_OF_NOTHING
    if isinstance(node, exp.AggFunc):
        return OF_STATISTIC
    hint = _first(_OUTPUTS, node)
    return hint if hint in (DISTINCT_VALUES, CONDITIONAL) else ONE_COLUMN


def of_group(node: exp.Expr) -> Hint:
    """Choose the hint for a part of GROUP BY that is neither a column nor a position."""
    kinds: _Kinds = (
        ((exp.Rollup, exp.Cube, exp.GroupingSets), ROLLUP),
        ((exp.Tuple,), GROUP_LIST),
    )
    return _first(kinds, node) or GROUP_EXPRESSION


def of_condition(node: exp.Expr) -> Hint:
    """Choose the hint for a condition that is no comparison."""
    if isinstance(node, exp.Anonymous) and str(node.this).upper().startswith(_PATTERN_NAMES):
        return PATTERN
    return _first(_CONDITIONS, node) or OTHER_CONDITION


def of_compared(node: exp.Expr) -> Hint:
    """Choose the hint for what stands where a column belongs."""
    if isinstance(node, exp.Anonymous) and str(node.this).upper() == "DATE_PART":
        return DATE_PART
    return _first(_COMPARED, node) or LEFT


def of_value(node: exp.Expr) -> Hint:
    """Choose the hint for what stands where a constant belongs."""
    if isinstance(node, exp.Anonymous) and str(node.this).upper() in ("NOW", "TODAY"):
        return NOW
    if node.find(exp.Interval):
        return NOW
    return _first(_VALUES, node) or CONSTANT


def _first(kinds: _Kinds, node: exp.Expr) -> Hint | None:
    return next((hint for types, hint in kinds if isinstance(node, types)), None)
