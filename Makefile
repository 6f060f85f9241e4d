# Two commands matter: `make lab` to learn, `make test` to check. Both install what they need, the first time.

PYTHON ?= python3
PIP_ARGS ?=
ARGS ?=
LESSON ?=
LESSONS ?= 01
ZIP ?=
NAME ?=
VENV := .venv
PY := $(VENV)/bin/python
AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)

.DEFAULT_GOAL := help
.PHONY: help lab test deep versions notebooks new badges coursework book train bench doctor clean

help: ## list these commands
	@echo "make COMMAND [NAME=value ...]"
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-11s %s\n", $$1, $$2 }' Makefile

lab: $(VENV)/.lab ## open JupyterLab on your copy of the lessons (ARGS=--no-browser for a server)
	@lesson=$$($(PY) -m gk_utils.classroom.workspace) && \
	echo "Opening $$lesson. Stop JupyterLab with Ctrl-C." && \
	$(PY) -m jupyterlab "$$lesson" --ServerApp.root_dir="$(CURDIR)" $(AS_ROOT) \
	  --LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate $(ARGS)

test: export PYTHONDONTWRITEBYTECODE = # compiled files are kept: two workers and some fifty kernels share them
test: $(VENV)/.dev ## run every check: lint, unit tests, doctests, notebooks, coursework, browser
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/codespell
	$(PY) -m pytest -q -n 2 --dist loadfile --durations=10 tests gk_utils
	OMP_NUM_THREADS=1 $(PY) -m pytest -q -n 2 --dist loadfile -o addopts= -o filterwarnings= --nbval-lax --nbval-current-env \
	  --nbval-cell-timeout=120 --nbval-kernel-startup-timeout=120 notebooks

deep: $(VENV)/.dev $(VENV)/.book ## run what takes long: every page, lab and lesson, fifty kills, fuzzing (GK_FUZZ_SECONDS=60 a reader), mutants
	GK_DEEP=1 $(PY) -m pytest -q tests/test_language.py tests/test_book.py
	GK_DEEP=1 $(PY) -m pytest -q tests/test_grade.py -k TestEveryLesson
	GK_DEEP=1 $(PY) -m pytest -q tests/test_browser.py -k test_lesson
	GK_DEEP=1 $(PY) -m pytest -q tests/test_colab_setup.py -k TestRealPip
	GK_DEEP=1 $(PY) -m pytest -q -s tests/test_hardening.py
	$(PY) tests/mutation.py --minutes 30

versions: $(VENV)/.dev ## try the oldest or newest versions allowed: make versions ARGS="oldest FOLDER" (needs 7 GB)
	$(PY) tests/versions.py $(ARGS)

notebooks: $(VENV)/.dev ## build the notebooks whose lesson changed (LESSON=01_boxes: that one; ARGS=--force: anyway)
	$(PY) -m gk_utils.classroom.build $(LESSON) $(ARGS)
	$(PY) -m gk_utils.classroom.claims
	$(PY) -m gk_utils.classroom.lesson_map

new: $(VENV)/.dev ## start a lesson: make new LESSON=18_topic
	@test -n "$(LESSON)" || { echo "LESSON: expected a name, got none. Run: make new LESSON=18_topic"; exit 2; }
	$(PY) -m gk_utils.classroom.new $(LESSON)

badges: $(VENV)/.dev ## put Colab badges into the notebooks: make badges REPO=owner/name (REPO= takes them out)
	@test "$(origin REPO)" != undefined || { echo "REPO: expected owner/name, got none. Run: make badges REPO=owner/name"; exit 2; }
	@$(PY) -m gk_utils.classroom.colab "$(REPO)"
	@touch -c $(VENV)/.lab $(VENV)/.dev $(VENV)/.book # the setting asks for no new installation

coursework: $(VENV)/.dev ## make an nbgrader course in coursework/: make coursework LESSONS="01 02"
	$(PY) -m gk_utils.classroom.coursework $(LESSONS)

grade: $(VENV)/.dev ## grade a zip of submissions: make grade LESSON=06 ZIP=submissions.zip
	@test -n "$(LESSON)" -a -n "$(ZIP)" || { \
	  echo "LESSON, ZIP: expected a lesson and a zip. Run: make grade LESSON=06 ZIP=submissions.zip"; exit 2; }
	@$(PY) -m gk_utils.classroom.grade $(LESSON) "$(ZIP)" $(ARGS) || test $$? -eq 3

book: $(VENV)/.book ## make the web book in book/_build/html: all lessons, the claims, the API, the grounder in a page
	$(PY) -m gk_utils.book $(ARGS)

train: $(VENV)/.lab ## train one of the course's models: make train NAME=trunk_small ARGS="--minutes 60"
	$(PY) -m gk_utils train $(NAME) $(ARGS)

bench: $(VENV)/.lab ## compare the course's speed with its peers, write benchmarks/RESULTS.md (NAME=render ARGS=--json: that one)
	$(PY) -m gk_utils bench $(NAME) $(ARGS)

doctor: $(VENV)/.lab ## say what works here and what to do about the rest
	$(PY) -m gk_utils doctor

clean: ## remove the virtual environment and caches; your work in my/ stays
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis build *.egg-info

# --- installing: each stamp stands for a finished step, so a second call starts at once ------------------------------

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null || { \
	  echo "PYTHON: expected Python 3.11 to 3.13, got $$($(PYTHON) --version 2>/dev/null || echo none)."; \
	  echo "Install one and name it: make lab PYTHON=python3.12"; exit 1; }
	@echo "1/3  Making the virtual environment $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "Python's venv module is missing. On Debian or Ubuntu: apt-get install python3-venv"; exit 1; }

$(VENV)/.torch: | $(PY)
	@if $(PY) -c "import torch, torchvision" 2>/dev/null; then echo "2/3  torch is installed already: kept"; else \
	  free=$$(df -Pk . | awk 'NR == 2 { print int($$4 / 1048576) }'); \
	  if [ "$$free" -lt 9 ]; then \
	    echo "Disk: expected 9 GB free, got $$free GB. Free some, or install a CPU build (1 GB in all):"; \
	    echo "copy the option from PyTorch's install page into PIP_ARGS=... and add SKIP_DISK=1"; \
	    [ -n "$(SKIP_DISK)" ] || exit 1; fi; \
	  echo "2/3  Installing torch and torchvision. On Linux the GPU build downloads about 3 GB (5.5 GB on disk)."; \
	  echo "     A CPU build is a tenth of that: pass the option from PyTorch's install page as PIP_ARGS=..."; \
	  $(PY) -m pip install --disable-pip-version-check $(PIP_ARGS) -c constraints.txt torch torchvision || { \
	    echo "torch could not be installed. Check the network and run the same command again: it goes on where it stopped."; \
	    exit 1; }; fi
	@touch $@

define install
	@echo "3/3  Installing $(1)"
	@grep -v '^torch' constraints.txt > $(VENV)/constraints.txt
	@$(PY) -m pip install --disable-pip-version-check $(PIP_ARGS) -c $(VENV)/constraints.txt -e '.[$(2)]' || { \
	  echo "The installation stopped. Check the network and run the same command again: it goes on where it stopped."; \
	  exit 1; }
	@touch $@
endef

$(VENV)/.lab: pyproject.toml constraints.txt $(VENV)/.torch
	$(call install,JupyterLab and the course (about 300 MB to download),lab$(comma)hub)

$(VENV)/.dev: pyproject.toml constraints.txt $(VENV)/.torch
	$(call install,JupyterLab$(comma) the course and its tests (about 400 MB to download),dev)
	@touch $(VENV)/.lab

# The browsers' ONNX Runtime comes from npm; without npm the book is made without its live page.
$(VENV)/.book: $(VENV)/.dev
	@if command -v npm >/dev/null && \
	  npm install --prefix $(VENV)/node --no-audit --no-fund --ignore-scripts --silent onnxruntime-web@1.30.0; \
	then touch $@; \
	else echo "The page with the grounder will not run: npm is missing, or did not reach its registry."; fi

comma := ,
