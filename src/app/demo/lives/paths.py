"""The ways that cases of the smaller kinds take, as tables: action, who, after how many hours."""

from typing import Any, Final

from app.demo.lives.path import (
    Path,
    Step,
    community,
    grid,
    helpers,
    in_days,
    lead,
    one_of,
    some,
    town,
)

DAY: Final = 24
DONE: Final[dict[str, Any]] = {"evidence": "已完成，现场核对无误。"}


def vote(eligible: int, present: int, in_favour: int, text: str, told: str) -> dict[str, Any]:
    """Return the form of a vote; `text` is the field for its record."""
    counted = {"eligible": eligible, "present": present, "in_favour": in_favour}
    return counted | {text: told}


VOLUNTEER_ORDER: Final = Path(
    kind="volunteer-order",
    by="hotline",
    titles=("请帮忙疏通下水道", "需要陪同就医", "想请人教用智能手机", "家电清洗", "理发上门"),
    data={"service": one_of("home_help", "escort", "repair", "teaching")},
    steps=(
        Step("withdraw", "hotline", 1, 8, {"reason": "家人已解决。"}, percent=6, ends=True),
        Step("dispatch", "cadre", 0.5, 7, {"lead": grid, "note": "请接单。"}),
        Step("accept", "worker", 0.5, 10, {"plan": "明日上午上门。"}),
        Step("serve", "worker", 4, 4 * DAY, {**DONE, "minutes": some(20, 180)}),
        Step("rate", "hotline", 2, 5 * DAY, {"satisfaction": some(3, 5)}, percent=88, ends=True),
        Step("close_unrated", "cadre", 8 * DAY, 12 * DAY, {"reason": "三次电话未接通。"}),
    ),
)
MICRO_WISH: Final = Path(
    kind="micro-wish",
    by="worker",
    titles=("想要一副老花镜", "想要一台收音机", "孩子想要一套图书", "盼修好轮椅"),
    data={"visit": True, "special_group": one_of("lone_elder", "minor", "disabled")},
    steps=(
        Step("recommend", "cadre", 2, 2 * DAY, {"informed": helpers}),
        Step("claim", "helper", 3, 6 * DAY, {"plan": "本周内送到。"}),
        Step("fulfil", "helper", DAY, 12 * DAY, DONE),
        Step("confirm", "cadre", 2, 3 * DAY, {"note": "老人很高兴。"}),
    ),
)
MICRO_TASK: Final = Path(
    kind="micro-task",
    by="cadre",
    titles=("楼前绿地日常维护", "村规民约监督岗", "护学路口值守"),
    data={"position": one_of("sanitation_upkeep", "covenant_oversight"), "points": some(2, 10)},
    steps=(
        Step("claim", "worker", 1, 3 * DAY),
        Step("finish", "worker", 2 * DAY, 10 * DAY, DONE),
        Step("redo", "cadre", 2, DAY, {"reason": "还有两处未清理。"}, percent=8, ends=True),
        Step("confirm", "cadre", 2, 2 * DAY, {"points": some(2, 10)}),
    ),
)
AGENT_SERVICE: Final = Path(
    kind="agent-service",
    by="worker",
    titles=("代办高龄补贴", "代办慢性病卡", "帮办残疾证换证", "代缴养老保险"),
    data={"special_group": one_of("lone_elder", "disabled", "none")},
    departments=("民政局", "医疗保障局", "残疾人联合会", "人力资源和社会保障局"),
    steps=(
        Step(
            "record_agency",
            "worker",
            0.1,
            2,
            {"relation": "grid_worker", "consent": "本人口头同意，已登记。"},
        ),
        Step("accept", "cadre", 1, 8, {"checklist": "身份证、申请表、照片各一份。"}),
        Step("assign", "cadre", 1, 10, {"lead": lead, "team": "社区帮办队"}),
        Step("start", "lead", 2, DAY, {"plan": "代为提交并跟进。"}),
        Step("finish", "lead", DAY, 6 * DAY, {**DONE, "visits": some(0, 2)}),
        Step("confirm", "cadre", 2, 2 * DAY, {"note": "已送证上门。"}),
    ),
)
ONE_STOP: Final = Path(
    kind="one-stop-service",
    by="cadre",
    titles=("新生儿一件事", "开办小餐饮店", "退休一件事", "不动产和水电联办"),
    data={"registration": one_of("this_town", "other_town", "other_county")},
    steps=(
        Step("accept", "cadre", 0.3, 5, {"receipt": "材料齐全，当场受理。"}),
        Step("distribute", "cadre", 0.5, 8, {"assisting": helpers}),
        Step("complete_task", "helper", 4, 4 * DAY, DONE),
        Step("collect", "cadre", 1, 10, DONE),
        Step("reply", "cadre", 0.5, DAY, {"reply": "已办好，请查收。", "visits": 1}),
    ),
)
ADMISSION: Final = Path(
    kind="catalogue-admission",
    by="lead",
    titles=("申请社区协助发放宣传册", "申请社区开展经营户摸底", "申请社区代收资料"),
    data={
        "change": "new",
        "item": one_of("COMM-101", "COMM-102", "COMM-103", "COMM-104"),
        "item_title": "协助开展专项摸底",
        "since": in_days(60),
        "people": some(1, 3),
        "money": some(5000, 60000),
        "basis": "依据年度工作安排。",
    },
    at_department=True,
    steps=(
        Step("accept", "dispatcher", 4, 2 * DAY),
        Step(
            "consult", "dispatcher", 1, DAY, {"unit": community, "note": "请就承接条件提出意见。"}
        ),
        Step("give_opinion", "cadre", DAY, 4 * DAY, {"evidence": "建议配备人员和经费后承接。"}),
        Step(
            "review",
            "dispatcher",
            DAY,
            5 * DAY,
            {"advice": "admit", "opinion": "符合人随事走、费随事转。"},
        ),
        Step(
            "admit",
            "leader",
            DAY,
            4 * DAY,
            {
                "since": in_days(30),
                "people": some(1, 3),
                "money": some(5000, 60000),
                "opinion": "同意准入。",
            },
            percent=70,
            ends=True,
        ),
        Step("refuse", "leader", 1, DAY, {"reason": "未落实经费，不予准入。"}),
    ),
)
DELIBERATION: Final = Path(
    kind="deliberation",
    by="worker",
    titles=("加装非机动车棚", "小区停车位分配办法", "楼道公共晾晒区"),
    data={"households": some(40, 300)},
    steps=(
        Step("accept", "cadre", 4, 3 * DAY, {"agenda": "列入居民议事会议题。"}),
        Step("discuss", "cadre", 2 * DAY, 7 * DAY, vote(30, 22, 18, "minutes", "一致建议实施。")),
        Step(
            "decide",
            "cadre",
            2 * DAY,
            7 * DAY,
            vote(45, 38, 33, "resolution", "表决通过实施方案。"),
        ),
        Step("publish", "cadre", 1, DAY, {"until": in_days(7), "notice": "决议公示七日。"}),
        Step("end_publication", "cadre", 8 * DAY, 10 * DAY),
        Step("assign", "cadre", 2, DAY, {"lead": lead}),
        Step("finish", "lead", 4 * DAY, 15 * DAY, DONE),
        Step("evaluate", "cadre", DAY, 4 * DAY, {"satisfaction": some(3, 5)}),
    ),
)
FOUR_TWO: Final = Path(
    kind="four-discussions-two-disclosures",
    by="cadre",
    titles=("集体机动地发包", "村级道路硬化", "文化广场修缮"),
    data={"amount": some(20000, 400000)},
    steps=(
        Step("propose", "cadre", DAY, 4 * DAY, vote(7, 7, 6, "minutes", "党支部会提议。")),
        Step("consult", "cadre", DAY, 4 * DAY, vote(9, 8, 8, "minutes", "两委会商议。")),
        Step("review", "cadre", DAY, 5 * DAY, vote(48, 40, 31, "minutes", "党员大会审议。")),
        Step("resolve", "cadre", DAY, 5 * DAY, vote(42, 36, 30, "resolution", "代表会议决议。")),
        Step("post_resolution", "cadre", 1, DAY, {"until": in_days(7), "notice": "决议公开。"}),
        Step("carry_out", "cadre", 8 * DAY, 10 * DAY, {"plan": "按决议实施。"}),
        Step("finish", "cadre", 7 * DAY, 25 * DAY, DONE),
        Step("post_result", "cadre", 2, 2 * DAY, {"until": in_days(7), "notice": "结果公开。"}),
        Step("close", "cadre", 8 * DAY, 11 * DAY, {"note": "无异议。"}),
    ),
)
COVENANT: Final = Path(
    kind="covenant",
    by="cadre",
    titles=("修订居民公约", "制定文明养犬公约"),
    data={"households": some(200, 900), "edition": some(2, 4)},
    steps=(
        Step("collect_opinion", "worker", DAY, 4 * DAY, {"opinion": "建议增加停车条款。"}),
        Step(
            "submit", "cadre", 3 * DAY, 9 * DAY, {"opinions": some(5, 40), "summary": "意见汇总。"}
        ),
        Step("discuss", "cadre", DAY, 6 * DAY, vote(60, 47, 41, "covenant", "公约全文。")),
        Step("sign", "worker", 2, 3 * DAY, {"name": "演示住户一", "house": "一号楼"}),
        Step("sign", "worker", 1, 2 * DAY, {"name": "演示住户二", "house": "三号楼"}),
        Step("publish", "cadre", 1, DAY, {"until": in_days(7), "notice": "公约公示。"}),
        Step("enact", "cadre", 8 * DAY, 10 * DAY, {"from_day": in_days(1)}),
    ),
)
HELP_BELL: Final = Path(
    kind="help-bell",
    by="hotline",
    titles=("门铃呼叫：独居老人", "门铃呼叫：长时间无活动", "门铃低电量"),
    data={"signal": one_of("pressed", "no_motion", "battery"), "device": "BELL-DEMO"},
    steps=(
        Step("answer", "worker", 0.03, 0.6, {"means": "phone"}, office=False),
        Step(
            "dismiss",
            "worker",
            0.1,
            0.5,
            {"evidence": "误触，老人平安。"},
            percent=35,
            ends=True,
            office=False,
        ),
        Step("visit", "worker", 0.2, 1.5, {"evidence": "已上门查看。"}, office=False),
        Step(
            "close",
            "worker",
            0.3,
            3,
            {"result": one_of("safe", "helped", "family_informed"), "evidence": "已安顿。"},
            office=False,
        ),
    ),
)
PLACEMENT: Final = Path(
    kind="placement-promise",
    by="worker",
    titles=("失业人员求职登记", "返乡人员求职登记"),
    data={"accepts_any": True},
    steps=(
        Step("promise", "cadre", 0.5, 6, {"accepts_any": True}),
        Step("offer", "cadre", 2, DAY, {"source": "public_post", "employer": "演示企业"}),
        Step("place", "cadre", 3, 1.5 * DAY, DONE),
        Step("close", "cadre", 2, DAY, {"note": "已上岗，回访稳定。"}),
    ),
)
BUILDING: Final = Path(
    kind="unmanaged-building",
    by="worker",
    titles=("老纺织厂家属院弃管", "粮站宿舍楼无物业", "三无小院环境脏乱"),
    data={"sort": "unmanaged_building", "buildings": some(1, 4), "households": some(20, 160)},
    departments=("住房和城乡建设局",),
    steps=(
        Step("list", "cadre", 4, 3 * DAY, {"condition": "无物业、无路灯、污水外溢。"}),
        Step("assign", "cadre", DAY, 5 * DAY, {"lead": lead, "owner": "原单位已改制。"}),
        Step(
            "fix",
            "lead",
            2 * DAY,
            7 * DAY,
            {
                "mode": "community_managed",
                "responsibility": "社区托管，单位补贴。",
                "standard": "保洁、照明、下水三项达标。",
                "until": in_days(40),
            },
        ),
        Step("start", "lead", DAY, 3 * DAY, {"plan": "先通下水再亮灯。"}),
        Step("finish", "lead", 10 * DAY, 30 * DAY, DONE),
        Step("hand_over", "cadre", DAY, 5 * DAY, {"manager": community, "note": "移交社区。"}),
    ),
)
PROJECT: Final = Path(
    kind="service-project",
    by="cadre",
    titles=("为老助餐服务项目", "青少年课后托管项目", "残疾人康复陪伴项目"),
    data={"mode": "venture", "amount": some(60000, 90000), "org_type": "service", "fee": "free"},
    steps=(
        Step("accept", "official", DAY, 4 * DAY),
        Step(
            "approve",
            "official",
            3 * DAY,
            9 * DAY,
            {"score": some(75, 96), "experts": 5, "opinion": "可行。"},
        ),
        Step("publish", "official", 1, DAY, {"until": in_days(7), "notice": "评审结果公示。"}),
        Step("end_publication", "official", 8 * DAY, 10 * DAY),
        Step("fund", "leader", DAY, 4 * DAY, {"lead": town, "granted": some(10000, 60000)}),
        Step(
            "report_progress",
            "official",
            9 * DAY,
            15 * DAY,
            {"served": some(20, 80), "spent": some(3000, 9000), "report": "按计划进行。"},
        ),
    ),
)
HAZARD: Final = Path(
    kind="hazard-remedy",
    by="worker",
    titles=("仓储点消防隐患", "自建房墙体开裂", "烟花爆竹违规存放", "燃气报警器缺失"),
    data={
        "campaign": one_of("hazard_remediation", "safety_responsibility"),
        "people": some(1, 40),
        "danger": False,
    },
    departments=("应急管理局", "消防救援大队", "住房和城乡建设局"),
    steps=(
        Step("rectify_on_the_spot", "worker", 0.3, 4, DONE, percent=18, ends=True),
        Step("file", "cadre", 1, 8),
        Step("grade", "cadre", 0.5, 6),
        Step("assign", "cadre", 1, 8, {"lead": lead, "order": "限期整改。"}),
        Step("start", "lead", 2, DAY, {"person": "演示责任人"}),
        Step("claim_rectified", "lead", DAY, 8 * DAY, DONE),
        Step("rework", "cadre", 2, DAY, {"reason": "复查未达标。"}, percent=8, ends=True),
        Step(
            "close", "cadre", 2, 2 * DAY, {"grade": "substantive", "note": "复查合格，予以销号。"}
        ),
    ),
)
