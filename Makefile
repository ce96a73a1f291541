# `make demo` and `make test` do everything, `make docs` a site of docs/. Each makes its own virtual environment.
SHELL := bash
PYTHON ?= python3
SOURCE ?=
OUT ?= demo
# A file of exact versions and their hashes: with it nothing else is installed. It is complete, so pip resolves
# nothing: it would look for what an extra in a requirement asks for beside the pins. Without it setup.py's
# bounds hold.
LOCK ?=
VENV := .venv
DEVICES := .venv-devices
SITE := .venv-docs

# A ROS 2 that is sourced, or the newest in the usual prefix. Its Python must be PYTHON.
ROS_SETUP := $(lastword $(sort $(wildcard /opt/ros/*/setup.bash)))
ROS := $(if $(ROS_DISTRO),true,$(if $(ROS_SETUP),. $(ROS_SETUP)))

comma := ,
EXTRAS := demo,plot,test$(if $(ROS),$(comma)ros-test)

# As they were typed, whatever is in them; the shell splits none of it.
export DEMO_SOURCE := $(value SOURCE)
export DEMO_OUT := $(value OUT)

.PHONY: demo test docs test-devices test-npu clean

demo: $(VENV)/.demo-ready
	$(VENV)/bin/bodypix demo --out "$$DEMO_OUT" -- $${DEMO_SOURCE:+"$$DEMO_SOURCE"}

test: $(VENV)/.test-ready
	@echo 'This takes about five minutes on two cores$(if $(ROS),$(comma) and more for the nodes)'
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy
ifeq ($(ROS),)
	@echo 'ROS 2: none is sourced and none is in /opt/ros: the tests of the nodes are skipped'
else
	$(ROS) && $(VENV)/bin/python -m pytest test/on_ros
endif
	$(VENV)/bin/python -m pytest --ignore=test/on_ros

# OpenVINO's plugins for devices that are not here: docs/devices.md. They rest on exact versions.
test-devices: devices-networks devices-loading
devices-%: $(DEVICES)/.ready
	@echo 'The two parts of test-devices take about half an hour each on a busy machine; make -j2 runs both at once'
	PYTHONPATH=test $(DEVICES)/bin/python -m devices.emulated python -m pytest test/devices/test_gpu_$*.py

test-npu: $(DEVICES)/.ready
	@echo 'This takes about twenty minutes on two cores the first time; what was compiled is not compiled again'
	PYTHONPATH=test $(DEVICES)/bin/python -m devices.npu

$(DEVICES)/.ready: setup.py pyproject.toml requirements-ci.txt test/devices/requirements.txt
	@echo 'Installing into $(DEVICES), 2 GB'
	$(PYTHON) -m venv $(DEVICES)
	$(DEVICES)/bin/pip install --quiet --no-deps --require-hashes -r requirements-ci.txt -r test/devices/requirements.txt
	$(DEVICES)/bin/pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

# Pages that the code makes must be fresh; a link that leads nowhere, or a docstring that cannot be read, is an error.
docs: $(SITE)/.ready
	$(SITE)/bin/mkdocs build --strict --site-dir site
	@echo 'open site/index.html, or: $(SITE)/bin/mkdocs serve'

$(SITE)/.ready: docs/requirements.txt
	$(PYTHON) -m venv $(SITE)
	$(SITE)/bin/pip install --quiet $(PLAIN) -r docs/requirements.txt
	touch $@

# Python compiles what is imported, which is a tenth of what is installed.
PLAIN := --no-compile

# What each needs, and no more: the demo's picture is a file of scikit-image, which is not run.
$(VENV)/.demo-ready: EXTRA :=
$(VENV)/.test-ready: EXTRA := $(EXTRAS)

$(VENV)/.demo-ready $(VENV)/.test-ready: setup.py pyproject.toml $(LOCK)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or later is needed: make PYTHON=...")'
	@echo 'Installing into $(VENV), which takes some minutes the first time'
	$(PYTHON) -m venv $(VENV)
ifeq ($(LOCK),)
	$(VENV)/bin/pip install $(PLAIN) -e '.$(if $(EXTRA),[$(EXTRA)])'
	$(if $(EXTRA),,$(VENV)/bin/pip install $(PLAIN) --no-deps 'scikit-image>=0.22,<1')
	$(if $(EXTRA),,$(VENV)/bin/bodypix warm-up people)
else
	$(VENV)/bin/pip install --quiet $(PLAIN) --no-deps --require-hashes -r $(LOCK)
	$(VENV)/bin/pip install --quiet --no-deps --no-build-isolation -e .
	$(VENV)/bin/pip check
	$(VENV)/bin/python -I .ci/installed.py $(LOCK)
endif
	touch $@

clean:
	rm -rf $(VENV) $(DEVICES) $(SITE) site demo build install log *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
