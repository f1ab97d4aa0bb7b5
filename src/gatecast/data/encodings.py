"""The encodings of text tables that are not UTF-8: what Windows wrote in China, and else what it wrote in the West.

Every letter of GB18030 (GBK and GB2312 are parts of it) is two bytes that are two letters of Windows-1252 as well, so
bytes alone do not tell the two apart.  What they spell does: in a Chinese table most characters are among the most
frequent ones, of which accented letters that happen to stand side by side hit hardly any.
"""

import codecs
import re
from pathlib import Path
from typing import NamedTuple, NoReturn

from gatecast.data.columns import Guess
from gatecast.data.csvplain import NO_TEXT
from gatecast.data.kinds import refuse_no_text
from gatecast.data.unpacking import AT_ONCE, opened
from gatecast.errors import TableError


class Encoding(NamedTuple):
    """What Python calls an encoding, and what people are told of it."""

    name: str
    guess: Guess


# Latin-1, with letters and signs where Latin-1 has control characters.
WESTERN = Encoding("cp1252", Guess("encoding", "Latin-1", "the bytes are not UTF-8"))
CHINESE = Encoding("gb18030", Guess("encoding", "GB18030", "the bytes are not UTF-8, and spell frequent Chinese words"))

# A letter of UTF-8 (an accented one, or one of most other scripts), or a byte that means nothing in Windows-1252.
_ODD_WESTERN = re.compile(rb"[\xc2\xc3][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\x81\x8d\x8f\x90\x9d]")
# Whole words in the UTF-8 of Chinese characters; in GB18030 such bytes would begin with a rare one.
_ODD_CHINESE = re.compile(rb"(?<![\x80-\xff])(?:[\xe4-\xe9][\x80-\xbf]{2})+(?![\x80-\xff])")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]+")
_REACH = 2  # bytes that a letter may reach into the next stretch
_FEW = 2  # characters, of which each could be two accented letters side by side
# Numerals and time; quantities and trade; weather, power and traffic; places; the most frequent others.
_FREQUENT = frozenset(
    "一二三四五六七八九十百千万亿零年月日时分秒周期季度点上下午早晚今昨明天星旬刻间历史"
    "数量值总额均价格销售收入支出成本利润率金额元单位件个次批订货商品店铺门市场客户名称编号码代类型别名型规库存进"
    "股票证券开盘高低收最涨跌幅成交手换市净资产基指数银行业务费用税汇贷款债保险财经济增长同比环比消费预测实际计划"
    "气温湿度风速向降雨雪水位流压力强光照辐射日照云量浓臭氧颗粒污染空质站测点电负荷功率发用热能源煤油燃煤风光伏"
    "车路线段交通客运地铁航班港口人口旅游访问网页请求用户活跃新老注册点击播放下载内存设备机器号温振动转速传感信号"
    "省市县区镇村北京上海天津重庆南东西中广州深圳江苏浙山河湖安徽福建四川云贵陕甘青宁夏内蒙古辽吉林黑龙新疆台湾香港澳门"
    "的是不了在有和人这大为来我到出要以会可也你对生能而子那得于着下自之行过家学面起成方前所然工作法多经么去本种如现小动"
    "理部实定主产化进都里后高同性心使开情因其它已被从些意题公司政府国民社全关无常否正负加减平左右共约比例合计小结备注说明"
    "原始数据序列样表格标签目标结果状态等级序长宽重体积面直径距离速度含税累计当本上下期初末首尾"
    "（）：，。、％℃“”《》【】；—·～＋－"
)


def encoding_of(path: Path) -> Encoding:
    """The encoding of a text file that is not UTF-8.

    Raises:
        TableError: it mixes encodings, is in none that gatecast knows, or may be in one or another; a name that is read
            wrong is another series.
    """
    letters = _letters(path)
    frequent = letters & _FREQUENT
    if len(frequent) >= _FEW and 2 * len(frequent) >= len(letters):
        _check(path, _ODD_CHINESE)
        return CHINESE
    if frequent or (len(letters) > _FEW and _two_bytes_each(letters)):
        raise TableError(
            f"{path.name} is not UTF-8, and whether its letters are Chinese ones (GB18030) or those of another "
            f"encoding cannot be told. Save it as CSV (UTF-8)."
        )
    _check(path, _ODD_WESTERN)
    return WESTERN


def _letters(path: Path) -> set[str]:
    """Every different letter beyond ASCII that a file holds as GB18030; none where it cannot be that."""
    decoder, letters = codecs.getincrementaldecoder(CHINESE.name)(), set[str]()
    try:
        with opened(path) as file:
            while data := file.read(AT_ONCE):
                letters.update("".join(_BEYOND_ASCII.findall(decoder.decode(data))))
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return set()
    return letters


def _two_bytes_each(letters: set[str]) -> bool:
    """Whether both bytes of each letter are beyond ASCII, as in the old encodings of Chinese, Korean and Japanese."""
    return min("".join(letters).encode(CHINESE.name)) > 0xA0


def _check(path: Path, odd: re.Pattern[bytes]) -> None:
    """Refuse a file with bytes that the encoding it seems to have does not explain."""
    before, lines = b"", 1
    with opened(path) as file:
        while data := file.read(AT_ONCE):
            data = before + data
            if found := odd.search(data):
                _refuse_mixed(path, lines + data.count(b"\n", 0, found.start()), data[: found.start()])
            whole = data.rfind(b"\n") + 1 or max(len(data) - _REACH, 0)  # no word reaches beyond its line
            before = data[whole:]
            lines += data.count(b"\n", 0, whole)


def _refuse_mixed(path: Path, line: int, before: bytes) -> NoReturn:
    if len(before.translate(None, NO_TEXT)) < len(before):
        refuse_no_text(path, line)
    raise TableError(
        f"{path.name}, line {line}: the file mixes encodings, or is in none that gatecast knows, so its "
        f"letters cannot be told. Save all of it as CSV (UTF-8)."
    )
