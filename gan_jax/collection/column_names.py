"""What columns of tables are called, in small letters and digits without accents; the most telling first."""

import re
from collections.abc import Sequence

from gan_jax.collection.letters import folded

_FILE = (
    "filename file imagefile imagefilename imagepath filepath path image img imagename picture datei dateiname bilddatei bild "
    "fichier nomfichier bestand bestandsnaam archivo arquivo nomefile fil filnavn plik файл имяфайла изображение ファイル "
    "ファイル名 画像 画像ファイル 文件 文件名 檔名 檔案 图片 圖片 파일 파일명 이미지 primaryimage imageurl imagelink "
    "primaryimagesmall thumbnailurl thumbnail url"
)
_TITLE = (
    "title titel titre titulo titolo tytuł name work worktitle artworktitle painting paintingname objecttitle itemlabel worklabel "
    "objectname tituloobra nazwa название наименование 題名 作品名 タイトル 名称 标题 標題 作品名称 작품명 제목"
)
_DATE = (
    "date dated datecreated creationdate datecreation datedecreation created dateofcreation datetext displaydate datedisplay objectdate "
    "dating inception datum datierung datation datering "
    "fecha fechadecreacion datacion data datazione datacao dato datowanie дата датировка 日付 "
    "制作年月日 制作年代 制作年 製作年 年代 日期 创作年代 創作年代 时间 날짜 제작연도 제작년도 yearasstring completion "
    "completitionyear completionyear period when"
)
_YEAR = (
    "year yearcreated yearofcreation creationyear jahr entstehungsjahr annee anneedecreation anneecreation millesime millesimecreation "
    "millesimedecreation jaar ano anodecreacion anodeproduccion anodeejecucion anodecriacao anodeproducao anno annodicreazione "
    "annodiesecuzione ar rok rokpowstania год годсоздания 年 年份 연도 년도"
)
_MONTH = "month monthcreated creationmonth monat mois maand mes mese maned manad miesiac месяц 月 월"

FILE_NAMES, TITLE_NAMES, DATE_NAMES, YEAR_NAMES, MONTH_NAMES = (
    tuple(map(folded, names.split())) for names in (_FILE, _TITLE, _DATE, _YEAR, _MONTH)
)
YEAR_MONTH_NAMES = ("yearmonth", "monthyear")

# Parts of names of what is done with a record, or belongs to something else than the painting.
OTHER_DATES = (
    "modif", "updat", "timestamp", "createdat", "createdon", "recorded", "dateadded", "added", "accession", "acqui", "upload", "index",
    "harvest", "import", "export",
    "birth", "death", "born", "died", "exhib", "loan", "artist", "creator", "author", "metadata", "digiti", "scanned", "insert",
    "entrydate", "precision",
)  # fmt: skip
# Parts of names of what may be a date all the same.
DATE_WORDS = (
    "dat", "year", "jahr", "annee", "millesime", "made", "creation", "inception", "jaar", "anno", "period", "when", "fecha", "epoca",
    "time", "год", "дата", "年", "期", "연도",
)  # fmt: skip


def key_of(name: str) -> str:
    """Letters and digits in lower case, without accents: "Année" is "annee", "Year_Month" is "yearmonth"."""
    return re.sub(r"[\W_]+", "", folded(name))


def column_named(columns: Sequence[str], name: str) -> str:
    """Returns the column of this name, in whatever case; '' if there is none."""
    same = (test for test in (str, str.strip, lambda text: text.strip().casefold()))
    return next((column for test in same for column in columns if test(column) == test(name)), "")
