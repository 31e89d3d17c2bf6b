# Everything this project can do, by name; `make` alone lists it.
# Each target makes the environment .venv first, if it is missing or its versions changed.

PYTHON ?= python3
VENV   ?= .venv
JOBS   ?= 2

BIN    := $(VENV)/bin
RUN    := $(BIN)/python
PYTEST := $(RUN) -m pytest
# Written last, so that an environment without it is half made, and made again.
STAMP  := $(VENV)/.complete

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help install book colab wheel notebooks serve test test-unit test-notebooks test-torch test-tensorflow \
        test-browser verify rehearse lint constraints clean distclean

help:  ## this list
	@echo "Avatars from Noise. Say make, and one of:"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# ---------------------------------------------------------------- the environment

install: $(STAMP)  ## the environment .venv, with the exact versions of constraints.txt

$(STAMP): pyproject.toml constraints.txt
	@command -v $(PYTHON) > /dev/null || { \
	    echo "There is no program '$(PYTHON)' here. Install Python 3.11, or name yours:"; \
	    echo "    make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
	    echo "The versions in constraints.txt are for Python 3.11, 3.12 and 3.13;"; \
	    echo "'$(PYTHON)' is $$($(PYTHON) --version 2>&1). Name another, if you have one:"; \
	    echo "    make PYTHON=python3.11 $(MAKECMDGOALS)"; \
	    echo "README.md says how to install without the exact versions."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2> /dev/null || { \
	    echo "This Python cannot make environments: its module venv is missing."; \
	    echo "On Debian and Ubuntu: sudo apt install python3-venv"; exit 1; }
	@if [ -e $(STAMP) ]; then rm $(STAMP); else rm -rf $(VENV); fi
	@echo "Making the environment $(VENV); this takes some minutes."
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --constraint constraints.txt --editable '.[all]'
	@touch $(STAMP)

constraints: $(STAMP)  ## write constraints.txt anew, from what is installed in .venv now
	@{ echo "# The exact versions that the book was last built with; \`make constraints\` writes them."; \
	   $(RUN) -m pip freeze --all --exclude-editable | grep -v '^pip==' | sed 's/+cpu$$//'; \
	 } > $(VENV)/constraints.txt
	@mv $(VENV)/constraints.txt constraints.txt
	@touch $(STAMP)

# ---------------------------------------------------------------- the book

book: $(STAMP)  ## run the notebooks and build the book: _build/html/index.html
	$(RUN) tools/build_book.py --jobs $(JOBS)

colab: $(STAMP)  ## write the Colab edition of the notebooks, colab/, without running them
	$(RUN) tools/build_colab.py

wheel: $(STAMP)  ## build the wheel and try it in an empty environment: _build/wheel
	$(RUN) tools/build_wheel.py

notebooks: $(STAMP)  ## open the notebooks in JupyterLab, to run and to change them
	$(BIN)/jupyter lab book

serve: $(STAMP)  ## show the built book on http://localhost:8000
	@test -e _build/html/index.html || $(MAKE) book
	$(RUN) -m http.server 8000 --bind 127.0.0.1 --directory _build/html

# ---------------------------------------------------------------- tests

test: $(STAMP)  ## all tests: the library, the notebooks under both frameworks, the pages
	@$(MAKE) --no-print-directory --keep-going test-unit test-notebooks test-browser

test-unit: $(STAMP)  ## the library and the house
	@echo "=== Tests of the library and of the house"
	$(PYTEST) tests --ignore tests/browser -n $(JOBS)

test-notebooks: test-torch test-tensorflow  ## every notebook, run from top to bottom

# Which notebooks run how stands in book/pytest.ini and book/conftest.py.
test-torch: $(STAMP)  ## the notebooks with PyTorch
	@echo "=== The notebooks with PyTorch"
	AVATARLIB_BACKEND=torch AVATARLIB_TIER=check $(PYTEST) book -n $(JOBS)

test-tensorflow: $(STAMP)  ## the notebooks with TensorFlow
	@echo "=== The notebooks with TensorFlow"
	AVATARLIB_BACKEND=tensorflow AVATARLIB_TIER=check $(PYTEST) book -n $(JOBS)

test-browser: $(STAMP)  ## every page in Chromium, wide and narrow; builds a missing book
	@echo "=== The pages of the book in a browser"
	$(PYTEST) tests/browser

verify: $(STAMP)  ## the long proofs: a fresh clone, other machines, kills, planted bugs, intervals, other libraries
	$(PYTEST) verify

rehearse: $(STAMP)  ## every page of colab/, in Colab's own versions
	$(RUN) verify/rehearse.py

lint: $(STAMP)  ## style, spelling, notebooks without outputs (mends what it can)
	PATH="$(abspath $(BIN)):$$PATH" pre-commit run --all-files

# ---------------------------------------------------------------- tidying

clean:  ## remove the built book and its cache
	rm -rf _build/html _build/.doctrees _build/.jupyter_cache _build/jupyter_execute _build/.pictures
	rm -rf .pytest_cache .ruff_cache .hypothesis

distclean: clean  ## remove the environment, too
	rm -rf $(VENV)
