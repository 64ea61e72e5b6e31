"""Merchant category codes (ISO 18245) and the groups they are told as.

A group that holds a code which betrays health, religion, politics, union membership, sexual life, gambling,
alcohol, tobacco, debt or trouble with the law is broad, is named after its harmless members, and is never
told by single codes: the group alone betrays nothing. Descriptions are ours and short.
"""

from __future__ import annotations

from typing import Final

SECTOR_OF: Final = {
    "groceries and household": "shops",
    "clothing": "shops",
    "home and garden": "shops",
    "electronics": "shops",
    "shops of many kinds": "shops",
    "eating out and leisure": "leisure",
    "motoring": "transport",
    "local transport": "transport",
    "travel": "transport",
    "lodging": "transport",
    "communication and utilities": "services",
    "trades and business services": "services",
    "services of many kinds": "services",
    "finance and insurance": "finance",
    "public offices": "public",
    "other": "other",
}
"""Sector of each group."""

OTHER: Final = "other"
"""The group of codes that stand nowhere below."""

# First code, last code, group. A later row wins over an earlier one.
RANGES: Final = (
    (742, 742, "services of many kinds"),  # animal doctors
    (763, 780, "trades and business services"),  # farming, gardens
    (1500, 1799, "trades and business services"),  # builders
    (2741, 2842, "trades and business services"),  # printing, cleaning
    (3000, 3350, "travel"),  # airlines by name
    (3351, 3441, "motoring"),  # car rental by name
    (3501, 3999, "lodging"),  # hotels by name
    (4011, 4011, "trades and business services"),  # rail freight
    (4111, 4131, "local transport"),
    (4119, 4119, "services of many kinds"),  # ambulances
    (4214, 4225, "trades and business services"),  # carriers, storage
    (4411, 4582, "travel"),  # ships, airlines, airports
    (4722, 4723, "travel"),
    (4784, 4784, "motoring"),  # tolls
    (4789, 4789, "local transport"),
    (4812, 4816, "communication and utilities"),
    (4821, 4821, "communication and utilities"),
    (4829, 4829, "finance and insurance"),  # money transfer
    (4899, 4900, "communication and utilities"),
    (5013, 5199, "trades and business services"),  # wholesale
    (5047, 5047, "shops of many kinds"),  # medical supplies
    (5122, 5122, "shops of many kinds"),  # drugs
    (5200, 5271, "home and garden"),
    (5300, 5399, "shops of many kinds"),
    (5411, 5499, "groceries and household"),
    (5511, 5599, "motoring"),
    (5611, 5699, "clothing"),
    (5712, 5719, "home and garden"),
    (5722, 5722, "home and garden"),
    (5732, 5735, "electronics"),
    (5811, 5814, "eating out and leisure"),
    (5815, 5818, "electronics"),  # goods in digital form
    (5912, 5999, "shops of many kinds"),
    (5921, 5921, "groceries and household"),  # bottle shops
    (5960, 5960, "finance and insurance"),
    (5962, 5962, "travel"),
    (5983, 5983, "home and garden"),  # heating fuel
    (5993, 5993, "groceries and household"),  # tobacco
    (6010, 6399, "finance and insurance"),
    (6513, 6513, "services of many kinds"),  # rents
    (6529, 6540, "finance and insurance"),
    (6611, 6760, "finance and insurance"),
    (7011, 7033, "lodging"),
    (7210, 7299, "services of many kinds"),
    (7311, 7399, "trades and business services"),
    (7321, 7322, "services of many kinds"),  # credit reports, collectors
    (7393, 7393, "services of many kinds"),  # detectives
    (7512, 7549, "motoring"),
    (7622, 7699, "trades and business services"),
    (7800, 7999, "eating out and leisure"),
    (8011, 8999, "services of many kinds"),
    (8675, 8675, "motoring"),  # motoring clubs
    (8734, 8931, "trades and business services"),
    (9211, 9402, "public offices"),
    (9405, 9405, "public offices"),
    (9406, 9406, "eating out and leisure"),  # lotteries of the state
    (9751, 9754, "eating out and leisure"),
    (9950, 9950, "trades and business services"),
)

# Code: what it betrays.
SENSITIVE: Final = {
    4119: "health",  # ambulances
    5047: "health",  # medical supplies
    5122: "health",  # drugs, wholesale
    5813: "alcohol",  # bars
    5912: "health",  # pharmacies
    5921: "alcohol",
    5933: "debt",  # pawnbrokers
    5967: "sexual life",  # calls to adult services
    5973: "religion",  # religious goods
    5975: "health",  # hearing aids
    5976: "health",  # artificial limbs
    5993: "tobacco",
    6051: "gambling",  # tokens and coins that stand for money
    7261: "religion",  # funerals
    7273: "sexual life",  # dating
    7277: "health",  # advice on debt, marriage and troubles
    7297: "sexual life",  # massage
    7321: "debt",
    7322: "debt",
    7393: "trouble with the law",  # detectives
    7800: "gambling",
    7801: "gambling",
    7802: "gambling",
    7995: "gambling",
    8011: "health",  # doctors
    8021: "health",
    8031: "health",
    8041: "health",
    8042: "health",
    8043: "health",
    8049: "health",
    8050: "health",  # care homes
    8062: "health",  # hospitals
    8071: "health",  # laboratories
    8099: "health",
    8111: "trouble with the law",  # lawyers
    8351: "family",  # child care
    8398: "beliefs",  # charities
    8641: "beliefs",  # associations
    8651: "politics",
    8661: "religion",
    8699: "union membership",
    9211: "trouble with the law",  # courts
    9222: "trouble with the law",  # fines
    9223: "trouble with the law",  # bail
    9406: "gambling",
    9754: "gambling",
}
