"""Words that column names are made of, by what they announce.

A phrase is words in a row. The longest phrase that stands in a name wins; among phrases of one
length the category that comes first.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Phrases are parted by bars.
PHRASES: dict[str, str] = {
    "email": "email|e mail|mail address|correo|courriel|邮箱|电子邮件",
    "phone": (
        "phone|telephone|tel|mobile|mobil|cell|cellphone|telefon|telefono|fax|whatsapp|msisdn|手机|电话"
    ),
    "person-name": (
        "full name|first name|last name|given name|family name|middle name|surname|firstname|"
        "lastname|fullname|forename|maiden name|person name|patient name|customer name|"
        "client name|employee name|contact name|name of patient|holder name|cardholder|nombre|"
        "apellido|apellidos|vorname|nachname|prenom|姓名|名字"
    ),
    "username": "username|user name|login|nickname|screen name|handle|twitter|instagram|wechat|微信",
    "national-id": (
        "ssn|social security|sin number|national id|national identifier|national number|nhs|"
        "nhs number|nino|national insurance|aadhaar|aadhar|cpf|pesel|bsn|dni|nie|nif|curp|"
        "personnummer|tax id|taxpayer|tin|itin|steuer id|identity card|id card|citizen id|"
        "resident identity|身份证|身份证号"
    ),
    "passport": "passport|reisepass|pasaporte|护照",
    "driving-licence": (
        "driving licence|driver license|drivers license|driver licence|licence number|license number"
    ),
    "vehicle-plate": "license plate|licence plate|number plate|plate number|vin|车牌",
    "health-id": (
        "mrn|medical record|health insurance|insurance number|insurance id|medicare|medicaid|policy number"
    ),
    "card": "card number|card no|credit card|debit card|pan|cc number|ccn|银行卡",
    "iban": "iban",
    "bank-account": "account number|account no|bank account|routing number|sort code|swift|bic",
    "membership": "loyalty card|loyalty number|member card|membership number|library card|loyalty id",
    "address": (
        "address|home address|postal address|street address|street|street name|addr|address line|"
        "strasse|calle|rue|residence|住址|地址"
    ),
    "dwelling": "flat|apartment|apt|house number|dwelling|floor|room|unit number",
    "zip": "zip|zipcode|zip code|postal code|postalcode|postcode|post code|plz|code postal|邮编",
    "city": "city|town|municipality|village|ciudad|ville|stadt|城市",
    "country": "country|native country|citizenship|nationality|country code|国籍",
    "region": "state|province|county|region|district|neighbourhood|neighborhood",
    "ip-address": "ip|ip address|ipv4|ipv6|ip addr",
    "mac-address": "mac|mac address",
    "device-id": "device id|imei|imsi|idfa|gaid|advertising id|cookie|cookie id|session id|android id",
    "date-of-birth": (
        "dob|birth date|birthdate|date of birth|birthday|born|birth year|year of birth|"
        "geburtsdatum|出生日期|生日|fecha nacimiento"
    ),
    "age": "age|age years|age at visit|年龄",
    "sex": "sex|gender|性别",
    "race": "race|ethnicity|ethnic|ethnic group|民族",
    "religion": "religion|religious|faith|denomination|宗教",
    "politics": "political|politics|party membership|union|trade union",
    "sex-life": "orientation|sexual orientation|sexuality",
    "criminal-record": "conviction|convictions|criminal|offence|offense|arrest",
    "marital-status": "marital|marital status|civil status|married",
    "education": "education|degree|schooling|education num",
    "occupation": "occupation|job|job title|profession|workclass|employer|employment|work class",
    "diagnosis": (
        "diagnosis|diagnoses|diag|icd|icd10|icd 10|disease|condition|illness|disorder|诊断|comorbidity"
    ),
    "treatment": (
        "medication|drug|prescription|treatment|procedure|therapy|vaccine|allergy|allergies|"
        "symptom|symptoms|disability|pregnant|pregnancy|hiv|cancer|diabetes|smoker|depression|"
        "mental health"
    ),
    "health-measure": (
        "systolic|diastolic|blood pressure|bp|hba1c|glucose|cholesterol|bmi|heart rate|pulse|"
        "weight|height|temperature|spo2|creatinine|hemoglobin|haemoglobin|ldl|hdl|ecg|lab result"
    ),
    "salary": "salary|income|wage|wages|pay|earnings|compensation|salary class|gehalt|salario|工资|收入",
    "amount": (
        "amount|price|cost|total|balance|fee|charge|payment|revenue|sales|spend|budget|debt|"
        "credit limit|capital gain|capital loss|discount|tax"
    ),
    "count": (
        "count|number of|quantity|qty|score|rating|rank|points|defaults|duration|hours|minutes|"
        "days|weeks|percentage|percent|rate|ratio|hours per week|times|level|size|length"
    ),
    "coordinates": "latitude|longitude|lat|lon|lng|long|gps|coordinates|geo|geohash|location",
    "url": "url|website|homepage|link|profile url|web page",
    "secret": (
        "password|passwd|secret|api key|apikey|access token|auth token|token|private key|"
        "pin code|cvv|cvc|密码"
    ),
    "face-template": "face|face template|face embedding|faceprint|facial",
    "fingerprint-template": "fingerprint|finger|palm|iris|voiceprint|biometric",
    "free-text": (
        "note|notes|comment|comments|remark|remarks|description|narrative|message|free text|"
        "feedback|complaint|review|transcript|summary text|备注"
    ),
    "event-time": "date|time|timestamp|datetime|created|updated|at|day|month|when|visit date",
    "year": "year",
    "thing": (
        "product|item|sku|merchant|merchant code|store|shop|company|vendor|brand|model|category|"
        "department|ward|clinic|hospital|branch|channel|currency|language|title|file name|"
        "table name|column name|product name|company name|merchant name|item name|store name|"
        "event name|organisation|organization|code"
    ),
    "flag": "status|flag|type|kind|method|entry method|class|opt in|is active|enabled|verified",
}

PERSON_NOUNS = _words(
    """
    patient resident customer client member consumer subject person user employee student account
    holder cardholder policyholder citizen donor participant respondent applicant borrower guest
    tenant voter driver passenger child parent spouse beneficiary insured worker staff personnel
    individual human owner caller subscriber player people household mrn
    """
)
EVENT_NOUNS = _words(
    """
    visit transaction purchase order row record index event invoice line entry sequence seq serial
    log request ticket payment receipt booking appointment admission encounter claim sample
    measurement observation case batch job message document file item product merchant store
    """
)
ID_WORDS = _words("id ids ref reference no nr num number key code uuid guid identifier card hash token pk")
ROW_WORDS = _words("rowid rownum rownumber idx index seq sequence serial unnamed")
# A name that ends in one of these speaks about the thing, and does not hold it.
ABOUT_WORDS = _words(
    """
    type kind status flag count method category class level brand length verified valid opted
    consent preference provider score rate total share is has format source
    """
)
COMMON_NAMES = _words(
    """
    james mary john patricia robert jennifer michael linda william elizabeth david barbara richard
    susan joseph jessica thomas sarah charles karen christopher lisa daniel nancy matthew anthony
    mark donald steven paul andrew joshua kenneth kevin brian george edward ronald timothy jason
    jeffrey ryan jacob gary nicholas eric jonathan stephen larry justin scott brandon benjamin
    samuel gregory alexander frank patrick raymond jack dennis jerry emma olivia ava sophia isabella
    mia charlotte amelia emily anna laura julia maria jose juan carlos luis jorge ana carmen pedro
    miguel antonio francisco pierre jean marie claude hans klaus peter ursula sabine heike wolfgang
    giovanni giulia marco luca francesca ivan olga sergei natalia dmitri elena piotr katarzyna wei
    li ming fang jing hiroshi yuki sakura kenji min jun ahmed mohamed mohammed fatima aisha omar ali
    hassan ibrahim priya raj amit sunita anil deepak lakshmi kofi ama kwame chidi ngozi smith
    johnson williams brown jones garcia miller davis rodriguez martinez hernandez lopez wilson
    anderson taylor moore jackson martin lee thompson white harris clark lewis robinson walker young
    allen king wright hill nguyen
    """
)
