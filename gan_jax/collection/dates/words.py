"""The words that dates are written with, and what each of them means to the grammar.

A phrase of several words stands with single spaces; dots, apostrophes and hyphens between its words do not count. Words are in lower
case and without accents. Latin letters: English, German, French, Italian, Spanish, Portuguese, Dutch, Swedish, Danish and Polish; then
Russian, Japanese, Chinese and Korean.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gan_jax.collection.letters import folded

OPEN_ENDED = 10.0  # years

# How much a date counts that stands beside others: of those with the lowest number the painting is dated, the others are not looked at.
PAINTED, MADE, PERIOD, PERIOD_NAME, DESIGNED, SHOWN, COPIED, OTHER = range(8)


@dataclass(frozen=True)
class Meaning:
    kind: str
    value: Any = None


# Not calendar.month_name, which speaks the language of the machine.
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")
_MONTHS = (
    "january jan januar jaenner janner janvier janv gennaio genn gen enero ene janeiro januari styczen stycznia sty январь января янв",
    "february feb februar fevrier fevr fev febbraio febb febrero fevereiro februari luty lutego lut февраль февраля фев",
    "march mar marz maerz mrz mars marzo marco maart mrt marts marzec marca март марта мар",
    "april apr avril avr aprile abril abr kwiecien kwietnia kwi апрель апреля апр",
    "may mai maggio magg mag mayo maio mei maj maja май мая",
    "june jun juni juin giugno giu junio junho czerwiec czerwca cze июнь июня июн",
    "july jul juli juillet juil luglio lug julio julho lipiec lipca lip июль июля июл",
    "august aug aout agosto ago augustus augusti sierpien sierpnia sie август августа авг",
    "september sep sept septembre settembre sett set septiembre setiembre setembro wrzesien wrzesnia wrz сентябрь сентября сен сент",
    "october oct oktober okt octobre ottobre ott octubre outubro out pazdziernik pazdziernika paz октябрь октября окт",
    "november nov novembre noviembre novembro listopad listopada lis ноябрь ноября ноя",
    "december dec desember dezember dez decembre dicembre dic diciembre dezembro grudzien grudnia gru декабрь декабря дек",
)

_EARLY, _MIDDLE, _LATE, _FIRST_HALF, _SECOND_HALF = (0, 1 / 3), (1 / 3, 2 / 3), (2 / 3, 1), (0, 1 / 2), (1 / 2, 1)  # fractions of a whole
_SPRING, _SUMMER, _AUTUMN = (2 / 12, 5 / 12), (5 / 12, 8 / 12), (8 / 12, 11 / 12)  # fractions of a year
WINTER = (0, 14 / 12)  # which may be either of two
_PARTS = {  # of whatever they stand before
    _EARLY: "early|beginning|the beginning|start|anfang|beginn|anfangs|fruhes|fruhe|debut|inizio|inizi|principios|comienzos|inicio|"
    "inicios|inizio del|begin|vroeg|vroege|tidigt|borjan|begyndelsen|begynnelsen|tidligt|tidlig|"
    "poczatek|pocz|нач|начало|начала|начале|初頭|初期|初|初年|早期|上旬|초기|초",
    _MIDDLE: "mid|middle|the middle|mi|mitte|milieu|meta|mediados|metade|meados|midden|mitten|midten|"
    "połowa|сер|середина|середины|середине|中期|中葉|中頃|"
    "中叶|半ば|중기|중반",
    _LATE: "late|end|the end|spat|spates|spate|ende|fin|fine|finales|fines|final|finais|fim|eind|einde|laat|slut|slutet|slutningen|slutten|"
    "koniec|konca|кон|конец|конца|конце|末期|末|晚期|後期|后期|말|말기",
    _FIRST_HALF: "first half|forste halvdel|forsta halften|pierwsza połowa|"
    "erste halfte|premiere moitie|prima meta|primera mitad|primeira metade|eerste helft|первая половина|"
    "earlier|前半|前期|上半|上半叶|上半葉|전반|전기",
    _SECOND_HALF: "second half|anden halvdel|andra halften|druga połowa|"
    "last half|latter half|zweite halfte|seconde moitie|deuxieme moitie|seconda meta|segunda mitad|segunda metade|"
    "tweede helft|вторая половина|later|後半|下半|下半叶|下半葉|후반|후기",
}
_SEASONS = {
    _SPRING: "spring|springtime|fruhling|fruhjahr|printemps|primavera|lente|voorjaar|var|varen|forar|foraret|wiosna|весна|春|春季|봄",
    _SUMMER: "summer|sommer|ete|estate|verano|verao|zomer|sommar|sommaren|sommeren|lato|лето|夏|夏季|여름",
    _AUTUMN: "autumn|fall|herbst|automne|autunno|otono|outono|herfst|najaar|host|hosten|høst|høsten|"
    "efterar|efteraret|jesien|осень|秋|秋季|가을",
    WINTER: "winter|hiver|inverno|invierno|vinter|vintern|vinteren|zima|зима|冬|冬季|겨울",
}
_CIRCA = (
    "circa|ca|c|ci|cca|circ|about|prob|poss|around|approximately|approx|probably|possibly|perhaps|likely|presumably|maybe|um|gegen|etwa|ungefahr|"
    "wohl|vermutlich|wahrscheinlich|vers|v|env|environ|autour de|probablement|peut etre|verso|verso il|intorno al|intorno|probabilmente|"
    "forse|hacia|hacia el|h|alrededor de|aproximadamente|aprox|probablemente|quizas|posiblemente|cerca de|por volta de|provavelmente|"
    "omstreeks|omstr|rond|ongeveer|waarschijnlijk|mogelijk|vermoedelijk|omkring|omkr|rundt|sannolikt|"
    "troligen|trolig|antagligen|antagelig|formodentlig|formentlig|około|ok|prawdopodobnie|"
    "около|ок|приблизительно|вероятно|примерно|頃|ころ|ごろ|約|约|左右|前後|推定|약|경|무렵|추정|推定値"
)
_OPEN = {  # from where to where a date beside it lets the painting lie: years from the start of that date, or from its end
    "before": "before|shortly before|pre|prior to|earlier than|vor|kurz vor|avant|peu avant|prima del|prima di|ante|antes de|antes|"
    "antes del|voor|fore|før|przed|до|より前|之前|前|전",
    "until": "no later than|not later than|not after|by|until|till|up to|up until|at latest|bis|spatestens|nicht nach|jusqu en|"
    "jusqu a|au plus tard|fino al|entro il|entro|hasta|ate|uiterlijk|tot|senest|senast|najpozniej|"
    "in or before|on or before|in oder vor|en ou avant|in of voor|не позднее|以前|이전",
    "after": "after|shortly after|soon after|later than|nach|kurz nach|apres|peu apres|dopo il|dopo|despues de|"
    "despues|depois de|apos|post|na|efter|etter|po|после|之後|之后|後|후",
    "from": "no earlier than|not earlier than|not before|since|beginning in|seit|ab|fruhestens|nicht vor|depuis|a partir de|"
    "au plus tot|dal|desde|vanaf|fran|tidligst|tidigast|najwczesniej|"
    "in or after|on or after|in oder nach|en ou apres|in of na|не ранее|с|以降|以後|以后|이후",
    "or earlier": "or earlier|or before|oder fruher|ou avant|o prima|o antes|of eerder",
    "or later": "or later|or after|and later|and after|onwards|onward|oder spater|ou apres|ou plus tard|o dopo|o despues|"
    "of later|eller senare",
}
_TO = "to|through|thru|until|till|bis|a|al|au|jusqu a|jusqu en|fino al|hasta|ate|tot|till och med|do|по|から|至|まで|에서"
_OR = "or|oder|ou|o|of|eller|lub|или|または|或|또는|u"
_AND = "and|und|et|e|y|en|och|og|i|и|と|及|和|및|plus"
_BETWEEN = "between|zw|from|zwischen|von|entre|entre le|tra|tra il|fra|fra il|tussen|van|mellan|mellem|miedzy|между|dal|del|desde|de|od"
# "of the" and such, which change nothing between the words that do.
_FILLING = (
    "of|the|in|of the|in the|year|years|yr|circa the|dated|le|la|les|l|d|de|du|de la|des|del|dell|della|dello|degli|il|lo|los|el|do|da|"
    "der|des|dem|den|die|das|im|in den|am|jahr|jahre|jahren|en|an|annee|annees|anno|anni|ano|anos|sur|state|third|ad the|i|het|van|"
    "on|av|af|date|г|гг|год|года|годы|godach|roku|r|rok|lata|arene|talet|の|に|於|于|作|작|制作|s a|version|this|released|artist|"
    "first state|at|th|st|nd|rd|unfinished|mark"
)
_WEEKDAYS = (
    "monday|tuesday|wednesday|thursday|friday|saturday|sunday|montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag|lundi|mardi|"
    "mercredi|jeudi|vendredi|samedi|dimanche|lunedi|martedi|mercoledi|giovedi|venerdi|sabato|domenica|lunes|martes|miercoles|jueves|"
    "viernes|sabado|domingo|maandag|dinsdag|woensdag|donderdag|vrijdag|zaterdag|zondag"
)
_CENTURY = (
    "century|centuries|cent|jahrhundert|jahrhunderts|jh|jhd|jhdt|jhdts|jhs|siecle|siecles|s|secolo|secoli|sec|siglo|siglos|seculo|seculos|"
    "eeuw|eeuwse|sekel|arhundrade|arhundradet|arhundrede|wiek|wieku|w|век|века|в|вв|世紀|世纪|세기|c"
)
_MILLENNIUM = "millennium|millennia|jahrtausend|millenaire|millennio|milenio|millennie|tysiaclecie|тысячелетие|千年紀|千年纪"
_DECADE = "decade|er|er jahre|er jahren|年代|년대|tal|talet|talets|tallet|tall|х|е"
_ERAS = {
    -1: "bc|bce|b c|b c e|a c|a c n|ac|av j c|avant j c|avant jesus christ|v chr|vor christus|v u z|a de c|a de j c|p n e|"
    "v c|до н э|н э до|紀元前|前|公元前|西元前|기원전",
    1: "ad|ce|a d|c e|d c|dc|ap j c|apres j c|n chr|nach christus|anno domini|d de c|n c|н э|紀元|西暦|西曆|西历|公元|西元|서기|기원",
}
_DECADES = "annees|decennie|decade|anni|anos|decada|decadas|jaren|lata"
_DIVISIONS = {  # what ordinals before them count; "first quarter"
    2: "half|h|poł|halfte|moitie|meta|mitad|metade|helft|половина",
    3: "third|drittel|tiers|terzo|tercio|terco|треть",
    4: "quarter|viertel|quart|quarto|cuarto|quartel|kwart|cw|cwierc|четверть",
    10: "decade|jahrzehnt|decennie|decennio|decenio|decada",
}
_ORDINALS = {
    1: "first|1st|erste|erstes|premier|premiere|primo|prima|primer|primera|primeiro|primeira|eerste|первая",
    2: "second|zweite|zweites|deuxieme|secondo|seconda|segundo|segunda|tweede|вторая",
    3: "third|dritte|drittes|troisieme|terzo|tercero|tercer|tercera|terceiro|terceira|derde|третья",
    4: "fourth|vierte|viertes|quatrieme|quarto|cuarto|cuarta|vierde|четвертая",
    -1: "last|final|letzte|letztes|dernier|derniere|ultimo|ultima|laatste|последняя",
}
_ROLES = {  # what happened in the year beside them
    PAINTED: "signed|dated|painted|drawn|made in|executed|completed|finished|begun|started|inscribed|signed and dated|"
    "this version|this drawing|original|dat|sign|bez|gemalt|datiert|signiert|entstanden|peint|date de|signe|dipinto|datato|firmato|"
    "pintado|fechado|firmado|geschilderd|gedateerd|gesigneerd|written|taken|photographed|negative|block|plate|modeled|modelled|"
    "woodblock|matrix|model|neg|carved|sculpted|begonnen|vollendet|voltooid|commence|acheve|assinado|datado|date|signeret|dateret|malet|signert|datert|malt|signerad|daterad|malad",
    MADE: "manufactured|produced|fabricated|manufacture|production|made|engraved|etched|hergestellt|gestochen|fabrique|grave|prodotto|"
    "inciso|fabricado|grabado|gravado|vervaardigd|ausfuhrung|ausgefuhrt|woven|built|constructed",
    DESIGNED: "designed|design|conceived|project|project date|commissioned|patented|invented|entworfen|entwurf|concu|progettato|disenado|"
    "ontworpen|planned",
    SHOWN: "published|first published|publ|exhibited|exh|issued|released in|first exhibited|presented|"
    "veroffentlicht|ausgestellt|erschienen|"
    "publie|expose|pubblicato|esposto|publicado|expuesto|exposto|gepubliceerd|tentoongesteld|broadcast|registered|copyright|"
    "first printed|first performed",
    COPIED: "printed|reprinted|cast|recast|enlarged|enlarged version|remade|reproduced|reconstructed|refabricated|re fabricated|reworked|"
    "retouched|re edited|reedited|replica|editioned replica|edition|memorial edition|reissued|re issued|restruck|impression|print|prints|"
    "posthumous|posthumously|posthumous cast|posthumous reprint|posthumous print|reprint|copy|exhibition copy|later cast|later print|"
    "assembled|reassembled|altered|repainted|revised|extended|with|with additions|additions|mount|later dated|gedruckt|gegossen|abguss|"
    "abzug|guss|neudruck|imprime|fonte|fondu|tire|tirage|stampato|fuso|ristampato|impreso|fundido|impresso|gedrukt|gegoten|herdruk|"
    "refait|copie|kopie|copia",
    OTHER: "restored|acquired|purchased|bought|gift|bequest|bequeathed|given|donated|accessioned|accession|sold|auctioned|destroyed|lost|"
    "stolen|born|died|death|birth|b|d|inv|inventory|catalogued|photograph|design patent|patent|restauriert|erworben|gestorben|geboren|"
    "restaure|acquis|mort|ne|restaurato|acquisito|nato|morto|restaurado|adquirido|digitized|digitised|scanned|modified|updated|uploaded|"
    "fl|active|rediscovered|found",
}
_UNDATED = (
    "undated|not dated|"
    "nicht datiert|no date|n d|nd|date not known|date unknown|unknown date|unknown|sine dato|s d|sans date|senza data|s f|sin fecha|"
    "sem data|o j|ohne jahr|ohne datum|undatiert|unbekannt|non date|non daté|inconnu|inconnue|sconosciuto|desconocido|z d|ongedateerd|"
    "zonder datum|onbekend|b d|без даты|без года|неизвестно|不明|不詳|不详|年代不詳|制作年不詳|無紀年|"
    "未詳|未详|미상|udateret|odaterad|uden ar|uten ar|utan ar|bez daty|none|null|nan|"
    "n a|tbd|unrecorded|date unrecorded"
)
_PERIOD_WORDS = (
    "period|dynasty|dynasties|kingdom|reign|era|epoch|dynastie|zeit|periode|epoque|regne|dinastia|periodo|epoca|reinado|tijdperk|"
    "時代|朝|代|期|时代|年间|年間|시대|왕조"
)
_PRESENT = "present|today|now|heute|aujourd hui|presente|actualidad|heden|ongoing"

# Reigns count their years; both ends of each are years.
_REIGNS = {
    "meiji|明治|메이지": (1868, 1912),
    "taisho|taisyo|大正": (1912, 1926),
    "showa|syowa|昭和": (1926, 1989),
    "heisei|平成": (1989, 2019),
    "reiwa|令和": (2019, 2100),
    "keio|慶応": (1865, 1868),
    "genji era|元治": (1864, 1865),
    "bunkyu|文久": (1861, 1864),
    "man en|万延": (1860, 1861),
    "ansei|安政": (1855, 1860),
    "kaei|嘉永": (1848, 1855),
    "koka|弘化": (1845, 1848),
    "tenpo|tempo|天保": (1831, 1845),
    "bunsei|文政": (1818, 1831),
    "bunka|文化": (1804, 1818),
    "kyowa|享和": (1801, 1804),
    "kansei|寛政": (1789, 1801),
    "tenmei|temmei|天明": (1781, 1789),
    "an ei|安永": (1772, 1781),
    "shunzhi|順治|顺治": (1644, 1661),
    "kangxi|k ang hsi|康熙": (1662, 1722),
    "yongzheng|yung cheng|雍正": (1723, 1735),
    "qianlong|ch ien lung|乾隆": (1736, 1795),
    "jiaqing|嘉慶|嘉庆": (1796, 1820),
    "daoguang|道光": (1821, 1850),
    "xianfeng|咸豐|咸丰": (1851, 1861),
    "tongzhi|同治": (1862, 1874),
    "guangxu|kuang hsu|光緒|光绪": (1875, 1908),
    "xuantong|宣統|宣统": (1909, 1911),
    "jiajing|嘉靖": (1522, 1566),
    "wanli|萬曆|万历": (1573, 1620),
    "民國|民国|minguo": (1912, 2100),  # counted beyond the years that are called so
}
_DYNASTIES = {
    "shang|商": (-1600, -1046),
    "zhou|周": (-1046, -256),
    "qin|秦": (-221, -206),
    "han|漢|汉": (-206, 220),
    "tang|唐": (618, 907),
    "song|sung|宋": (960, 1279),
    "northern song|北宋": (960, 1127),
    "southern song|南宋": (1127, 1279),
    "liao|遼|辽": (916, 1125),
    "yuan|元": (1271, 1368),
    "ming|明": (1368, 1644),
    "qing|ch ing|清": (1644, 1911),
    "asuka|飛鳥": (538, 710),
    "nara|奈良": (710, 794),
    "heian|平安": (794, 1185),
    "kamakura|鎌倉": (1185, 1333),
    "nanbokucho|南北朝": (1336, 1392),
    "muromachi|室町": (1336, 1573),
    "momoyama|azuchi momoyama|桃山|安土桃山": (1573, 1603),
    "edo|江戸": (1603, 1868),
    "民國|民国|minguo": (1912, 1949),
    "joseon|choson|朝鮮|조선": (1392, 1897),
    "goryeo|koryo|高麗|고려": (918, 1392),
    "대한제국": (1897, 1910),
    "일제강점기": (1910, 1945),
}
_CALENDAR = {"年": "year", "년": "year", "月": "month", "월": "month", "日": "day", "일": "day"}


def _table() -> dict[str, tuple[Meaning, ...]]:
    """Each phrase with what it can mean, the likeliest first."""
    found: dict[str, tuple[Meaning, ...]] = {}

    def add(phrases: str, kind: str, value: Any = None) -> None:
        for phrase in phrases.split("|"):
            key = folded(phrase)
            if all(meaning.kind != kind for meaning in found.get(key, ())):
                found[key] = (*found.get(key, ()), Meaning(kind, value))

    for number, names in enumerate(_MONTHS, 1):
        add(names.replace(" ", "|"), "month", number)
    tables: tuple[tuple[str, Mapping[Any, str]], ...] = (("part", _PARTS), ("season", _SEASONS))
    for kind, table in tables:
        for fractions, phrases in table.items():
            add(phrases, kind, fractions)
    add(_CENTURY, "century", 100)
    add(_MILLENNIUM, "century", 1000)
    add(_CIRCA, "circa")
    tables = (("open", _OPEN), ("era", _ERAS), ("role", _ROLES), ("division", _DIVISIONS), ("ordinal word", _ORDINALS))
    for kind, table in tables:
        for value, phrases in table.items():
            add(phrases, kind, value)
    add(_DECADE, "decade")
    add(_UNDATED, "undated")
    add(_PERIOD_WORDS, "period")
    add(_PRESENT, "present")
    for phrases, years in _DYNASTIES.items():
        add(phrases, "name", years)
    for phrases, years in _REIGNS.items():
        add(phrases, "reign", years)
        add(phrases, "name", years)
    add(_DECADES, "decades")
    for word, kind in _CALENDAR.items():
        add(word, kind)
    add(_OR, "or")
    add(_AND, "and")
    add(_TO, "to")
    add(_BETWEEN, "between")
    add(_FILLING, "filling")
    add(_WEEKDAYS, "weekday")
    return found


WORDS = _table()
LONGEST_PHRASE = max(phrase.count(" ") + 1 for phrase in WORDS)
LONGEST_EAST_ASIAN = 6  # letters, of a word in a script without spaces
