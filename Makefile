# Two commands do everything: `make demo` and `make test`. Both make their own virtual environment.
PYTHON ?= python3
SOURCE ?=
OUT ?= demo
VENV := .venv

.PHONY: demo test clean

demo: $(VENV)/.ready
	$(VENV)/bin/bodypix demo $(SOURCE) --out $(OUT)

test: $(VENV)/.ready
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy
	$(VENV)/bin/python -m pytest

$(VENV)/.ready: setup.py pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or later is needed: make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --upgrade pip
	$(VENV)/bin/pip install --quiet -e '.[demo,test]'
	touch $@

clean:
	rm -rf $(VENV) demo build install log *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
