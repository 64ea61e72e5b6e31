"""The short lists that fictional names, streets, goods and ills are made of."""

from __future__ import annotations

FIRST_F = (
    "Aisha", "Alma", "Amara", "Anneke", "Beatriz", "Chiara", "Dalia", "Elif", "Esi", "Fatou", "Freya",
    "Greta", "Hana", "Imani", "Ines", "Jana", "Kavya", "Leilani", "Linh", "Maren", "Mei", "Nadia",
    "Noor", "Oksana", "Priya", "Rosa", "Sakura", "Tamsin", "Yara", "Zoë",
)  # fmt: skip
FIRST_M = (
    "Abel", "Ahmed", "Akio", "Anders", "Bao", "Bilal", "Cem", "Chidi", "Dario", "Emre", "Farid",
    "Goran", "Henrik", "Ivo", "Jamal", "José", "Kofi", "Kwame", "Levi", "Luca", "Mateo", "Milan",
    "Nikhil", "Omar", "Pavel", "Rafael", "Sanjay", "Tariq", "Viktor", "Wei",
)  # fmt: skip
FIRST_X = ("Alex", "Ari", "Kai", "Kim", "Noa", "Robin", "Sam", "Sasha", "Toni", "Yuki")
# Any head with any tail: 30 x 30 surnames that belong to nobody in particular.
SURNAME_HEAD = (
    "Alder", "Ash", "Bel", "Bran", "Cal", "Cor", "Dor", "Eld", "Fal", "Gar", "Hal", "Ill", "Jor", "Kar",
    "Lin", "Mar", "Nev", "Oran", "Pel", "Quin", "Ros", "Sal", "Tav", "Ul", "Var", "Wen", "Xan", "Yor",
    "Zel", "Thorn",
)  # fmt: skip
SURNAME_TAIL = (
    "adi", "ano", "beck", "brook", "dane", "dottir", "ek", "escu", "ford", "grove", "idis", "iku",
    "imba", "ko", "lund", "mora", "mund", "nara", "oglu", "ova", "ridge", "sen", "shaw", "stad", "tani",
    "ura", "vale", "wami", "wick", "zadeh",
)  # fmt: skip
STREETS = (
    "Alder", "Boathouse", "Bridge", "Chapel", "Dyer", "Ferry", "Foundry", "Heron", "Hedge", "Kiln",
    "Lock", "Mill", "Orchard", "Otter", "Quay", "Reed", "Sluice", "Tanner", "Weir", "Willow",
)  # fmt: skip
STREET_KINDS = ("Street", "Lane", "Road", "Row", "Walk")

# 40 postal codes in 8 neighbourhoods of 4 quarters.
ZIPS = tuple(
    f"{head}{tail}" for head in (9012, 9015, 9031, 9037, 9054, 9058, 9076, 9079) for tail in (0, 2, 3, 6, 8)
)

# code and name, weight at 18, weight gained for each ten years, usual ward, lasting
DIAGNOSES = (
    ("Z00 general check-up", 3.0, -0.1, "A", False),
    ("J06 upper respiratory infection", 3.0, -0.3, "A", False),
    ("M54 back pain", 1.5, 0.1, "A", False),
    ("S93 ankle sprain", 1.2, -0.15, "A", False),
    ("J45 asthma", 1.0, -0.05, "C", True),
    ("F32 depressive episode", 1.0, 0.0, "C", True),
    ("O26 pregnancy care", 0.6, -0.2, "C", False),
    ("B20 HIV disease", 0.08, 0.0, "C", True),
    ("I10 hypertension", 0.2, 0.6, "B", True),
    ("E11 type 2 diabetes", 0.1, 0.35, "B", True),
    ("I25 ischaemic heart disease", 0.02, 0.25, "B", True),
    ("C50 breast cancer", 0.02, 0.05, "B", True),
)

# merchant, four-digit category code, usual amount
MERCHANTS = (
    ("Riverside Market", "5411", 38.0),
    ("Ferry Tram", "4111", 2.8),
    ("Heron Pharmacy", "5912", 17.0),
    ("Kiln Coffee", "5814", 5.2),
    ("Lock Cinema", "7832", 14.0),
    ("Mill Books", "5942", 22.0),
    ("Orchard Fuel", "5541", 48.0),
    ("Otter Swim Club", "7997", 30.0),
    ("Quay Bistro", "5812", 41.0),
    ("Reed Clothing", "5651", 64.0),
    ("Sluice Hardware", "5251", 33.0),
    ("Willow Casino", "7995", 75.0),
)

# item, category, price
GOODS = (
    ("apples", "fruit", 3.2),
    ("bread", "bakery", 2.9),
    ("cat food", "pets", 9.5),
    ("cheese", "dairy", 5.4),
    ("coffee", "drinks", 7.8),
    ("cough syrup", "health", 6.9),
    ("decaf tea", "drinks", 4.1),
    ("gluten-free pasta", "pantry", 3.9),
    ("halal chicken", "meat", 8.6),
    ("kosher salt", "pantry", 2.4),
    ("light bulbs", "home", 6.0),
    ("milk", "dairy", 1.6),
    ("nappies", "baby", 14.5),
    ("pregnancy test", "health", 11.9),
    ("red wine", "alcohol", 9.9),
    ("rice", "pantry", 3.0),
    ("sugar-free sweets", "sweets", 2.7),
    ("washing powder", "home", 10.8),
)
