"""Tables in the encodings that people's programs write."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan_jax.collection.encodings import GUESSED, decode, plausibility

# Titles of the same pictures, as catalogues of these countries have them.
TITLES = {
    "ja": "ひまわり 夜のカフェテラス 星月夜 種をまく人 アルルの寝室 赤い葡萄畑 糸杉 自画像 麦畑の上の烏 オーヴェルの教会",
    "zh": "向日葵 星夜 夜间咖啡馆 播种者 阿尔勒的卧室 红色的葡萄园 丝柏树 自画像 麦田上的乌鸦 奥维尔的教堂",
    "zh-tw": "向日葵 星夜 夜間咖啡館 播種者 阿爾勒的臥室 紅色的葡萄園 絲柏樹 自畫像 麥田上的烏鴉 奧維爾的教堂",
    "ko": "해바라기 별이_빛나는_밤 밤의_카페_테라스 씨_뿌리는_사람 아를의_침실 붉은_포도밭 사이프러스 자화상 까마귀가_있는_밀밭",
    "fr": "Café_de_nuit Nature_morte_à_la_bible Femme_à_la_tête Été_à_Arles Forêt Allée Mère Champ_de_blé Résurrection Œuvre",
    "de": "Mädchen_am_Klavier Häuser Straße_in_Auvers Brücke Bäume Frau_mit_Hut Zypressen Dächer Früchte Gemälde",
    "es": "Cañón Niño Muchacha_leyendo Paisaje El_árbol Corazón Otoño_en_España Jardín Sueño Retrato",
    "da": "Børn_på_stranden Æbletræ Kvinde_ved_vindue Gård Sø Pige Måge Røde_huse Aften Forår",
    "pl": "Słoneczniki Gwiaździsta_noc Pole_pszenicy Żniwa Kościół Łódki Drzewa_oliwne Pokój_w_Arles Śpiący Autoportret",
    "cs": "Slunečnice Hvězdná_noc Žlutý_dům Kavárna_v_noci Růže Pole_s_vránami Čtenářka Stará_věž Večer Žnec",
    "hu": "Tavirózsák Nő_napernyővel Felkelő_nap Székesegyház Erdő Fűzfák Önarckép Esős_utca Kertészet Búzamező",
    "ru": "Подсолнухи Звёздная_ночь Ночное_кафе Сеятель Спальня_в_Арле Красные_виноградники Кипарисы Автопортрет",
}
WRITTEN = [
    ("ja", "cp932"), ("ja", "euc_jp"), ("zh", "gb18030"), ("zh", "gbk"), ("zh-tw", "big5"), ("ko", "euc_kr"), ("ko", "cp949"),
    ("fr", "cp1252"), ("fr", "mac_roman"), ("de", "cp1252"), ("de", "mac_roman"), ("de", "cp850"), ("es", "cp1252"), ("es", "mac_roman"),
    ("da", "cp1252"), ("da", "mac_roman"), ("pl", "cp1250"), ("pl", "iso8859_2"), ("cs", "cp1250"), ("cs", "iso8859_2"), ("hu", "cp1250"),
    ("ru", "cp1251"),
    ("ru", "koi8_r"), ("fr", "utf-16-le"), ("ja", "utf-16-be"),
]  # fmt: skip


def table(language: str) -> str:
    titles = TITLES[language].replace("_", "\0").split()
    return "file,title,date\r\n" + "".join(f"{i:03d}.jpg,{title},188{i}\r\n" for i, title in enumerate(titles)).replace("\0", " ")


@pytest.mark.parametrize("language, encoding", WRITTEN)
def test_what_old_programs_wrote_is_guessed(language, encoding):
    decoded = decode(table(language).encode(encoding))
    assert decoded.text == table(language) and decoded.guessed


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_what_says_its_encoding_is_not_guessed(encoding):
    decoded = decode(table("ja").encode(encoding))
    assert decoded.text == table("ja") and not decoded.guessed


@pytest.mark.parametrize("encoding", ["cp932", "cp949", "cp1250", "mac_roman", "gb18030"])
def test_names_of_files_tell_an_encoding_that_words_do_not(encoding):
    name = {"cp932": "絵", "cp949": "그림", "cp1250": "śćń", "mac_roman": "Æø", "gb18030": "画儿"}[encoding]
    decoded = decode(f"file\r\n{name}.jpg\r\n".encode(encoding), ["x.jpg", f"sub/{name}.jpg"])
    assert decoded.encoding == encoding and name in decoded.text


@pytest.mark.parametrize(
    "data, message",
    [
        (bytes([128 + (i * 37) % 128 for i in range(400)]), "no other encoding its words are plausible .the nearest: .*encoding=NAME"),
        (b"a,b\n\0\x01\x02", "NUL bytes"),
        (b"\xff\xfea", "begins like UTF-16"),
    ],
)
def test_what_is_not_plausible_is_refused(data, message):
    with pytest.raises(ValueError, match=message):
        decode(data)


def test_an_encoding_can_be_named():
    data = "Sluníčko".encode("cp1250")
    assert decode(data, encoding="cp1250").text == "Sluníčko"
    for encoding, message in (("cp1260", "there is no encoding 'cp1260'"), ("utf-8", "not in utf-8"), ("ascii", "not in ascii")):
        with pytest.raises(ValueError, match=message):
            decode(data, encoding=encoding)


@given(st.binary(max_size=400))
def test_any_bytes_are_a_text_or_a_reason(data):
    with contextlib.suppress(ValueError):
        assert isinstance(decode(data).text, str)


@given(st.text(max_size=100), st.sampled_from(GUESSED))
def test_plausibility_is_a_share(text, encoding):
    assert 0 <= plausibility(text, encoding) <= 1
