# Bihuan 闭环. `make help` lists the targets.
SHELL := /bin/sh
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
# The first interpreter that is new enough; override with `make PYTHON=/path/to/python`.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p && break; done)
CYCLES ?= 200
LAWS ?= 50000
BENCH ?=

.PHONY: help setup run test laws lint types bench crash wheel lock format clean

help: ## Show this list 显示本列表
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.run: requirements/run.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "需要 Python 3.11 或更高版本（Python >= 3.11 is needed）"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements/dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	@touch $@

setup: $(VENV)/.run ## Make .venv and install the locked dependencies 安装

run: $(VENV)/.run ## Start everything on http://127.0.0.1:8000 with the demo district 启动（含演示数据）
	@exec $(BIN)/bihuan serve --demo

test: $(VENV)/.dev ## Run every test 运行全部测试
	$(BIN)/python -m pytest -n 2

laws: $(VENV)/.dev ## Count LAWS random clocks twice, and the other laws at length 长时间验证时限规律
	BIHUAN_LAWS=$(LAWS) $(BIN)/python -m pytest -n 2 tests/laws

lint: $(VENV)/.dev ## Style, room contracts 代码规范与分层约束
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/.dev ## mypy and pyright, both strict 类型检查
	$(BIN)/mypy
	$(BIN)/basedpyright

bench: $(VENV)/.dev ## Measure against named peers, write benchmarks/results 性能测量
	$(BIN)/python -m benchmarks $(BENCH)

crash: $(VENV)/.dev ## Kill the database and the server under load, CYCLES times 断电演练
	$(BIN)/python -m benchmarks.crash --cycles $(CYCLES)

wheel: $(VENV)/.dev ## Build dist/*.whl 打包
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

lock: $(VENV)/.dev ## Renew the lock files (needs uv) 更新依赖锁
	sh requirements/lock.sh

format: $(VENV)/.dev ## Format and fix what can be fixed 格式化
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## Remove what was built; var/ (the data) stays 清理（保留数据）
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
