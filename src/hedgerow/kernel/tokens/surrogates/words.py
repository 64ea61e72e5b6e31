"""The short lists that surrogate names and addresses are made of: common words of each language, no register.

Any given name with any family name, any street with any town: what comes out names nobody in particular, and
towns do not exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """What a locale's names and addresses are made of.

    Args:
        female: Given names.
        male: Given names.
        family: Family names.
        streets: First parts of street names.
        kinds: Second parts of street names.
        towns: Towns that do not exist.
        name: How given and family name are put together.
        street: How house number, street and kind are put together.
        place: How postal code and town are put together.
        house_numbers: Largest house number.
    """

    female: tuple[str, ...]
    male: tuple[str, ...]
    family: tuple[str, ...]
    streets: tuple[str, ...]
    kinds: tuple[str, ...]
    towns: tuple[str, ...]
    name: str = "{given} {family}"
    street: str = "{number} {street} {kind}"
    place: str = "{town} {code}"
    house_numbers: int = 180


_ENGLISH_TOWNS = (
    "Alderwick", "Ambleford", "Ashmere Vale", "Briarholt", "Copperfell", "Dunmarsh", "Elmsworthy",
    "Fernhollow", "Greywater Cross", "Hazelmoor Green", "Kestrelby", "Larkminster", "Millbeck Hythe",
    "Otterham Lea", "Quillhaven", "Rookthwaite", "Sallowdean", "Thistlecombe", "Wrenborough",
    "Yarrowstead",
)  # fmt: skip
_ENGLISH_STREETS = (
    "Acorn", "Beacon", "Bluebell", "Bramble", "Cedar", "Clover", "Cobbler", "Foxglove", "Granary",
    "Harbour", "Hawthorn", "Ivy", "Juniper", "Lantern", "Linden", "Meadow", "Nettle", "Orchard",
    "Primrose", "Saddler", "Sparrow", "Sycamore", "Tiller", "Violet", "Wagon", "Walnut",
)  # fmt: skip

EN_US = Words(
    female=(
        "Abigail", "Alice", "Brenda", "Carol", "Diana", "Emily", "Grace", "Hannah", "Irene", "Julia",
        "Karen", "Laura", "Megan", "Nancy", "Olivia", "Paula", "Rachel", "Susan", "Teresa", "Wendy",
    ),
    male=(
        "Adam", "Brian", "Carl", "Daniel", "Eric", "Frank", "Gary", "Henry", "Isaac", "Jacob", "Kevin",
        "Louis", "Martin", "Nathan", "Oscar", "Peter", "Ralph", "Samuel", "Thomas", "Walter",
    ),
    family=(
        "Ashcroft", "Bellweather", "Birchfield", "Calloway", "Copperman", "Dalewood", "Eastlake",
        "Fairbrook", "Fenwright", "Goldfinch", "Harrowgate", "Hollowell", "Ironside", "Kettleman",
        "Larkwood", "Marlowe", "Northcut", "Oakhurst", "Pennyfield", "Quickstep", "Ravenhill", "Silverton",
        "Stonebridge", "Tidewell", "Underhill", "Waverly", "Westbrook", "Whitlock", "Winterbourne",
        "Yellowley",
    ),
    streets=_ENGLISH_STREETS,
    kinds=("Avenue", "Court", "Drive", "Lane", "Road", "Street"),
    towns=_ENGLISH_TOWNS,
    place="{town} {code}",
    house_numbers=9800,
)  # fmt: skip

EN_GB = Words(
    female=(
        "Alison", "Beth", "Charlotte", "Daisy", "Eleanor", "Fiona", "Georgia", "Harriet", "Imogen", "Jane",
        "Lucy", "Matilda", "Naomi", "Phoebe", "Rosie", "Sophie", "Tessa", "Victoria", "Winifred", "Zara",
    ),
    male=(
        "Alfie", "Barnaby", "Callum", "Duncan", "Edward", "Freddie", "George", "Harry", "Iain", "Jack",
        "Kenneth", "Liam", "Malcolm", "Nigel", "Oliver", "Philip", "Rory", "Stuart", "Toby", "William",
    ),
    family=(
        "Applegarth", "Barrowby", "Birkdale", "Cattermole", "Cloughton", "Dunmore", "Elderby",
        "Fairweather", "Garthwaite", "Hawksmoor", "Hebblewhite", "Inglewood", "Kirkham", "Larkin",
        "Merriweather", "Nightingale", "Osgodby", "Pettifer", "Quennell", "Ramsbottom", "Silverdale",
        "Swinburne", "Thistleton", "Thornbury", "Underwood", "Wetherby", "Whittaker", "Winterton",
        "Woolcott", "Yarwood",
    ),
    streets=_ENGLISH_STREETS,
    kinds=("Close", "Crescent", "Lane", "Road", "Street", "Way"),
    towns=_ENGLISH_TOWNS,
)  # fmt: skip

DE_DE = Words(
    female=(
        "Anna", "Birgit", "Claudia", "Doris", "Elke", "Franziska", "Gisela", "Heike", "Ingrid", "Johanna",
        "Karin", "Lena", "Monika", "Nadine", "Petra", "Renate", "Sabine", "Tanja", "Ursula", "Wiebke",
    ),
    male=(
        "Andreas", "Bernd", "Christoph", "Dieter", "Erik", "Florian", "Georg", "Holger", "Ingo", "Jens",
        "Klaus", "Lukas", "Markus", "Norbert", "Otto", "Paul", "Ralf", "Stefan", "Torsten", "Uwe",
    ),
    family=(
        "Ackerfeld", "Ahornbach", "Birkenau", "Brunnhuber", "Dornbusch", "Eichinger", "Erlenkamp",
        "Falkner", "Feldmann", "Grünwald", "Haselhorst", "Hirschberg", "Kaltenbach", "Kirschner",
        "Lindemann", "Mühlbauer", "Nussbaum", "Ostermann", "Pfeiffer", "Quellmann", "Rosenthal",
        "Sandmann", "Steinhauer", "Tannhof", "Uhlenbrock", "Vogelsang", "Waldner", "Weidenbach",
        "Wiesinger", "Zimmerling",
    ),
    streets=(
        "Ahorn", "Amsel", "Birken", "Brunnen", "Buchen", "Drossel", "Eichen", "Erlen", "Falken", "Feld",
        "Finken", "Flieder", "Garten", "Hasel", "Heide", "Kastanien", "Lerchen", "Linden", "Mühlen",
        "Nelken", "Quellen", "Rosen", "Tannen", "Ulmen", "Weiden", "Wiesen",
    ),
    kinds=("weg", "straße", "gasse", "ring", "allee"),
    towns=(
        "Ahornfurt", "Altbrunnheim", "Birkenmoor", "Buchenroda", "Dornstetten am See", "Eichgraben-Nord",
        "Erlenwerder", "Falkenhorst-Süd", "Ginsterfelde", "Haselkirchen", "Hirschbrück", "Kaltenfurt",
        "Lerchenrode", "Mühlenbeck-Au", "Neulindenau", "Quellenheim", "Rosenwerth", "Tannstadt",
        "Uferhausen", "Wiesenbruck",
    ),
    street="{street}{kind} {number}",
    place="{code} {town}",
)  # fmt: skip

FR_FR = Words(
    female=(
        "Adèle", "Béatrice", "Camille", "Delphine", "Élise", "Florence", "Geneviève", "Hélène", "Inès",
        "Juliette", "Louise", "Margaux", "Nathalie", "Océane", "Pauline", "Romane", "Sylvie", "Thérèse",
        "Valérie", "Zoé",
    ),
    male=(
        "Antoine", "Bastien", "Cédric", "Damien", "Étienne", "François", "Gilles", "Hugo", "Jérôme",
        "Julien", "Laurent", "Mathieu", "Nicolas", "Olivier", "Pascal", "Quentin", "Rémi", "Sébastien",
        "Thibault", "Yves",
    ),
    family=(
        "Alouette", "Aubépin", "Beaurivage", "Boisclair", "Bruyère", "Champsaur", "Chantepie", "Clairval",
        "Deschênes", "Duruisseau", "Fontanel", "Fougeray", "Genêtier", "Grandpré", "Hautbois", "Labruyère",
        "Lavergne", "Marchenoir", "Merisier", "Montclar", "Noisetier", "Ormeau", "Pervenche", "Prévallon",
        "Rivebelle", "Rochefontaine", "Sauvageon", "Tilleul", "Valfleury", "Verdoyer",
    ),
    streets=(
        "des Acacias", "des Alouettes", "de l'Aubépine", "des Bleuets", "du Cerisier", "du Chêne Vert",
        "des Coquelicots", "de l'Écluse", "de la Fontaine", "des Genêts", "des Hirondelles", "du Lavoir",
        "des Lilas", "du Marronnier", "des Mésanges", "du Moulin", "du Noyer", "de l'Orme",
        "des Peupliers", "du Pré Clair", "de la Prairie", "du Ruisseau", "des Saules", "des Tilleuls",
        "du Verger", "des Violettes",
    ),
    kinds=("rue", "allée", "chemin", "impasse", "sentier"),
    towns=(
        "Aubervent", "Beaulieu-les-Saules", "Boisfleury-le-Haut", "Chantemerle-sur-Onde", "Clairfontal",
        "Essarville", "Fougerolin", "Grandval-les-Prés", "Hautbruyère", "Lavaldieu-Neuf", "Merivault",
        "Montcerisier", "Noisyvent", "Ormebourg", "Pierrelune", "Roselieu", "Saulnay-le-Pont", "Tillefort",
        "Valbrume", "Verneclair",
    ),
    street="{number} {kind} {street}",
    place="{code} {town}",
)  # fmt: skip

ES_ES = Words(
    female=(
        "Alicia", "Beatriz", "Carmen", "Dolores", "Elena", "Fátima", "Gloria", "Irene", "Julia", "Lucía",
        "Marta", "Noelia", "Olga", "Pilar", "Raquel", "Silvia", "Teresa", "Úrsula", "Victoria", "Yolanda",
    ),
    male=(
        "Alberto", "Bruno", "Carlos", "Diego", "Emilio", "Fernando", "Gonzalo", "Héctor", "Ignacio",
        "Javier", "Luis", "Manuel", "Nicolás", "Óscar", "Pablo", "Raúl", "Sergio", "Tomás", "Vicente",
        "Álvaro",
    ),
    family=(
        "Acebal", "Alameda", "Almendro", "Arroyuelo", "Avellano", "Brezal", "Campoverde", "Carrizo",
        "Castañar", "Cerezal", "Encinar", "Espinar", "Fontana", "Fresneda", "Granados", "Higueral",
        "Jaramago", "Laurel", "Madroñal", "Manzanar", "Montesclaros", "Nogales", "Olmedilla", "Peñalba",
        "Pinares", "Romeral", "Salgueiro", "Torremar", "Valderrío", "Zarzal",
    ),
    streets=(
        "del Acebo", "de la Alameda", "de los Almendros", "de la Amapola", "del Arroyo", "del Avellano",
        "de los Cerezos", "del Clavel", "de la Encina", "de la Fuente", "de las Golondrinas",
        "de la Higuera", "de los Jazmines", "del Laurel", "del Lirio", "del Manantial", "del Molino",
        "del Naranjo", "del Nogal", "del Olivo", "de los Olmos", "del Pinar", "del Prado", "del Romero",
        "del Tilo", "de la Vega",
    ),
    kinds=("Calle", "Camino", "Paseo", "Avenida", "Travesía"),
    towns=(
        "Alamedilla del Río Alto", "Arroyoclaro", "Avellaneda de la Cumbre", "Brezales Nuevos",
        "Campofuente", "Castroluna", "Encinasola del Prado", "Fontesaúco", "Fresnoalto", "Higueralta",
        "Lagunaverde del Cerro", "Montealmendro", "Nogalejo del Rey", "Olmoseco", "Peñarrubia del Valle",
        "Pinosol", "Romerales", "Torrejazmín", "Valdelirio", "Zarzamar",
    ),
    street="{kind} {street}, {number}",
    place="{code} {town}",
)  # fmt: skip

ZH_CN = Words(
    female=(
        "芳", "静", "丽", "敏", "娟", "雪梅", "婷婷", "秀英", "玉兰", "春燕", "晓红", "雨欣", "思琪",
        "佳怡", "梦瑶", "诗涵", "慧敏", "美玲", "海霞", "桂香",
    ),
    male=(
        "伟", "强", "磊", "军", "勇", "建国", "志强", "海涛", "文博", "俊杰", "浩然", "子轩", "宇航",
        "明辉", "国栋", "家豪", "晨阳", "立新", "振华", "永康",
    ),
    family=(
        "王", "李", "张", "刘", "陈", "杨", "黄", "赵", "吴", "周", "徐", "孙", "马", "朱", "胡", "郭",
        "何", "林", "罗", "高", "梁", "郑", "谢", "宋", "唐", "许", "韩", "冯", "邓", "曹",
    ),
    streets=(
        "梧桐", "银杏", "桂花", "海棠", "玉兰", "丁香", "翠竹", "青松", "枫林", "荷塘", "杨柳", "芙蓉",
        "紫藤", "月季", "茉莉", "腊梅", "清泉", "明湖", "晨曦", "彩云", "朝霞", "星河", "春晖", "秋水",
        "白鹭", "金桔",
    ),
    kinds=("路", "街", "巷", "大道"),
    towns=(
        "云溪市桐湾区", "清河市柳岸区", "松岭市白鹭区", "月湖市荷塘区", "青浦岭市枫桥区", "兰渡市石桥区",
        "竹海市溪口区", "杏林湾市南塘区", "鹤川市东渡区", "桃源渡市北岸区", "梅岭原市西塘区",
        "星湖市花溪里区", "晴川原市河口区", "霞浦湾市松林区", "玉泉岭市云山区", "金溪原市临湖区",
        "银滩头市海棠区", "翠屏岭市竹园区", "雁归市湖滨里区", "凤尾市梨园区",
    ),
    name="{family}{given}",
    street="{street}{kind}{number}号",
    place="{town}",
    house_numbers=880,
)  # fmt: skip

LOCALES: Mapping[str, Words] = {
    "de_DE": DE_DE,
    "en_GB": EN_GB,
    "en_US": EN_US,
    "es_ES": ES_ES,
    "fr_FR": FR_FR,
    "zh_CN": ZH_CN,
}
"""The locales there are surrogates for."""
