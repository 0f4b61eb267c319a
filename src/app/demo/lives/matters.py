"""What the invented cases are about: categories with titles, descriptions and who handles them."""

from random import Random
from typing import Final

from msgspec import Struct


class Matter(Struct, frozen=True):
    """事由: one sort of issue."""

    category: str
    titles: tuple[str, ...]
    description: str
    departments: tuple[str, ...]
    done: str


SPOTS: Final = (
    *("东门口", "菜市场旁", "三号楼前", "小学门口", "老槐树下", "公交站台", "河堤步道"),
    *("地下车库入口", "便民服务站对面", "五金店门前", "幼儿园西侧", "健身广场"),
)
MATTERS: Final = (
    Matter(
        "市政设施",
        ("井盖破损", "路灯不亮", "人行道砖松动", "雨水箅子堵塞", "路面塌陷"),
        "巡查时发现，过往行人较多，存在安全隐患。",
        ("住房和城乡建设局", "城市管理局"),
        "已更换并恢复，现场清理完毕。",
    ),
    Matter(
        "市容环境",
        ("垃圾满溢", "占道经营", "小广告成片", "渣土遗撒", "河道漂浮物"),
        "居民反映多日，影响出行和环境。",
        ("城市管理局", "生态环境局"),
        "已清理，并与责任人约定日常保洁。",
    ),
    Matter(
        "供水供热",
        ("暖气不热", "水压偏低", "管道漏水", "供热管井冒汽"),
        "同单元多户反映，老人和孩子受影响。",
        ("供热供水服务中心",),
        "已抢修，回访各户恢复正常。",
    ),
    Matter(
        "矛盾纠纷",
        ("楼上漏水引发邻里纠纷", "停车位争执", "噪声扰民", "宅基地边界争议", "欠薪纠纷"),
        "双方情绪激动，社区多次劝解未达成一致。",
        ("司法局", "信访局", "人力资源和社会保障局"),
        "双方在调解员主持下签订协议，已履行。",
    ),
    Matter(
        "安全隐患",
        ("楼道堆放杂物", "电动车飞线充电", "燃气软管老化", "外墙砖脱落", "消防通道被占"),
        "入户排查时发现，需要尽快消除。",
        ("消防救援大队", "应急管理局", "住房和城乡建设局"),
        "隐患已消除，复查合格。",
    ),
    Matter(
        "民生服务",
        ("独居老人需要助餐", "低保办理咨询", "残疾人轮椅维修", "临时救助申请"),
        "家庭确有困难，请协助办理。",
        ("民政局", "残疾人联合会", "医疗保障局"),
        "已上门办理，家属满意。",
    ),
)


class Told(Struct, frozen=True):
    """One case's texts."""

    matter: Matter
    title: str
    description: str


def told(random: Random) -> Told:
    """Invent what a case is about."""
    return _told(random, random.choice(MATTERS))


def disputed(random: Random) -> Told:
    """Invent a dispute."""
    return _told(random, next(one for one in MATTERS if one.category == "矛盾纠纷"))


def _told(random: Random, matter: Matter) -> Told:
    spot = random.choice(SPOTS)
    return Told(matter, f"{spot}{random.choice(matter.titles)}", matter.description)
