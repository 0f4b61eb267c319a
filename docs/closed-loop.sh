#!/bin/sh
# 一件事项走完闭环：五种角色，四个阶段。One invented case from report to closing, by hand.
#
#   sh docs/closed-loop.sh            needs a running `make run` and curl; talks to 127.0.0.1 only
#
# It issues five keys for the demo district (演示数据), lets each role take its steps, then shows the
# facts, the clocks, and the case as it was at three moments.
set -eu
BASE=${BASE:-http://127.0.0.1:8000}/v1/districts/610327
BIHUAN=${BIHUAN:-.venv/bin/bihuan}
PYTHON=${PYTHON:-.venv/bin/python}

COMMUNITY=${COMMUNITY:-610327101001}
GRID=${GRID:-61032710100101}
LEAD=${LEAD:-610327901000}
ASSISTANT=${ASSISTANT:-610327902000}

key() { "$BIHUAN" key add --district 610327 "$@" 2>/dev/null; }
field() { "$PYTHON" -c 'import json,sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }
once() { "$PYTHON" -c 'import uuid; print(uuid.uuid4())'; }
show() { "$PYTHON" -c 'import json,sys
for line in json.load(sys.stdin)["items"]:
    print("   ", line["version"], line["occurred_at"][11:19], line["type"])'; }

echo "发放五把密钥 five keys"
WORKER=$(key --role grid_worker --unit "$GRID" --name 网格员)
OFFICER=$(key --role community_officer --unit "$COMMUNITY" --name 社区干部)
DISPATCHER=$(key --role dispatcher --name 派遣员)
LEADING=$(key --role department_officer --unit "$LEAD" --name 牵头单位)
ASSISTING=$(key --role department_officer --unit "$ASSISTANT" --name 协办单位)
sleep 1

# post KEY PATH JSON: every command carries a key that makes it repeatable
post() {
    curl -sS --fail-with-body -X POST "$BASE/$2" -H "Authorization: Bearer $1" \
        -H "Idempotency-Key: $(once)" -H 'Content-Type: application/json' -d "$3"
}
# act KEY CASE ACTION DATA: take an action, and say in which stage the case is then
act() {
    printf '  %-18s → ' "$3"
    post "$1" "cases/$2/actions/$3" "{\"data\": $4}" | field stage
}

# refused KEY CASE ACTION DATA: an action that must not succeed, and why it does not
refused() {
    printf '  %-18s ✗ ' "$3"
    curl -sS -X POST "$BASE/cases/$2/actions/$3" -H "Authorization: Bearer $1" \
        -H "Idempotency-Key: $(once)" -H 'Content-Type: application/json' -d "{\"data\": $4}" |
        "$PYTHON" -c 'import json,sys; said=json.load(sys.stdin); print(said["code"], said["detail"])'
}
# post_of UNIT: the first post of a unit, held by somebody
post_of() {
    curl -sS --fail-with-body "$BASE/directory/units/$1" -H "Authorization: Bearer $DISPATCHER" |
        "$PYTHON" -c 'import json,sys
posts = json.load(sys.stdin)["posts"]
print(next(one["post"] for one in posts if one["holder"]))'
}
# due CASE CLOCK: by when an open clock must be met
due() {
    curl -sS --fail-with-body "$BASE/cases/$1" -H "Authorization: Bearer $OFFICER" |
        "$PYTHON" -c 'import json,sys
clocks = json.load(sys.stdin)["clocks"]
print(next(one["due"] for one in clocks if one["clock"] == sys.argv[1]))' "$2"
}

echo "网格发现 discovery: 网格员上报"
CASE=$(post "$WORKER" cases '{"title": "井盖破损", "description": "学校门口井盖破损，已摆放警示桩", "kind": "closed-loop"}' | field id)
echo "  事项 case $CASE"
act "$WORKER" "$CASE" contain '{"evidence": "摆放警示桩，安排人值守"}'
act "$WORKER" "$CASE" submit '{}'
echo "社区呼应 community response: 社区受理"
act "$OFFICER" "$CASE" accept '{"note": "属本社区，予以受理"}'
echo "分级响应 tiered response: 分级、派遣"
act "$OFFICER" "$CASE" grade '{"people": 12}'
act "$DISPATCHER" "$CASE" dispatch "{\"lead\": \"$LEAD\", \"assisting\": [\"$ASSISTANT\"]}"
BEFORE=$(curl -sS "$BASE/cases/$CASE" -H "Authorization: Bearer $OFFICER" | field version)
echo "协同处置 joint handling: 牵头办理、协办、四定、核查、返工、结案"
act "$LEADING" "$CASE" start_handling '{}'
refused "$LEADING" "$CASE" claim_completion '{"evidence": "已更换井盖"}'
act "$ASSISTING" "$CASE" complete_task '{"evidence": "已围挡并引导交通"}'
refused "$LEADING" "$CASE" claim_completion '{"evidence": "已更换井盖"}'
act "$LEADING" "$CASE" fix_measures '{"measures": ["更换井盖", "复查周边五处井盖"]}'
act "$LEADING" "$CASE" fix_deadline "{\"deadline\": \"$(due "$CASE" handling)\"}"
act "$OFFICER" "$CASE" fix_responsibility \
    "{\"cadre\": \"$(post_of "$COMMUNITY")\", \"grid_worker\": \"$(post_of "$GRID")\"}"
act "$LEADING" "$CASE" claim_completion '{"evidence": "已更换井盖，见照片"}'
act "$OFFICER" "$CASE" rework '{"reason": "周边路面未清理"}'
act "$LEADING" "$CASE" claim_completion '{"evidence": "路面已清理"}'
act "$OFFICER" "$CASE" verify '{"note": "现场核查通过"}'
act "$OFFICER" "$CASE" close '{"grade": "substantive"}'

echo "办理记录 facts"
curl -sS "$BASE/cases/$CASE/events" -H "Authorization: Bearer $OFFICER" | show
echo "时限 clocks"
curl -sS "$BASE/cases/$CASE" -H "Authorization: Bearer $OFFICER" | "$PYTHON" -c 'import json,sys
for clock in json.load(sys.stdin)["clocks"]:
    print("   ", clock["clock"], clock["sequence"], clock["budget"], clock["due"], clock["status"])'
echo "三个时点的重放 the case at three moments"
for VERSION in 1 "$BEFORE" ""; do
    curl -sS "$BASE/cases/$CASE${VERSION:+?version=$VERSION}" -H "Authorization: Bearer $OFFICER" |
        "$PYTHON" -c 'import json,sys
case = json.load(sys.stdin)
print("    第", case["version"], "版", case["phase"], case["stage"], case["holder"])'
done
