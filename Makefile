# These commands need only git, make and Python 3.11 or newer with venv. They install everything else in .venv, from requirements/.
PYTHON ?= python3

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
SOURCES := moza_mail tests benchmarks packaging
# The files on which every stamp depends, besides its own list of requirements. They contain the entry point and the metadata.
PROJECT := pyproject.toml
LOCK_OPTIONS := --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-annotate \
	--custom-compile-command "make lock"

.DEFAULT_GOAL := help
.PHONY: help demo quick test test-full coverage check lint fuzz translations bench shots man lock clean

help:
	@echo "make demo    send the sample issue to invented readers, as files in outbox/"
	@echo "make quick   run the tests that need no server and no browser, in seconds"
	@echo "make test    run every test, in minutes"
	@echo "make test-full   run every test with ten times as many examples, in an hour"
	@echo "make coverage    run every test and measure which lines and branches they reach"
	@echo "make lint    check format, style, types, imports, translations and plain English, without the other tests"
	@echo "make check   make lint, then every test"
	@echo "make fuzz    search for inputs that crash, for half an hour; SECONDS=10 for each kind of input is shorter"
	@echo "make translations   bring moza_mail/i18n/locale in step with the texts in the code"
	@echo "make bench   measure, in a quarter of an hour; python -m benchmarks.send --million takes longer"
	@echo "make shots   take the screenshots of the documentation"
	@echo "make man     write the man page, build/moza-mail.1, from the help"
	@echo "make lock    pin the newest version of each package in requirements/"
	@echo "make clean   delete .venv and the files that tools made; outbox/ and subscribers stay"

demo: $(VENV)/run.stamp
	$(BIN)/moza-mail subscribers import subscribers/example.csv --yes --list weekly --consent "Invented readers, to try moza-mail out"
	$(BIN)/moza-mail send issues/2026-01-14.md --yes
	@echo
	@echo "Nobody was mailed: each message is a file, outbox/new/*.eml. Open one in a mail program."
	@echo "$(BIN)/moza-mail status    shows the state of every delivery."
	@echo "$(BIN)/moza-mail preview   shows the issue in a browser."

# Python keeps compiled modules, even if this machine disables that, because the tests start hundreds of processes.
unexport PYTHONDONTWRITEBYTECODE
PARALLEL := --numprocesses auto --dist worksteal
PYTEST := $(BIN)/python -m pytest $(PARALLEL)

quick: $(VENV)/test.stamp
	@$(PYTEST) --hypothesis-profile quick -m "not slow" tests/test_docs.py tests/unit tests/fuzz

test: $(VENV)/test.stamp
	@$(PYTEST)

# Ten times as many examples for each property test. Run this by hand before a release.
test-full: $(VENV)/test.stamp
	@$(PYTEST) --hypothesis-profile full

# The same tests with branch coverage, also of the processes that they start. It takes half as long again as `make test`. CI runs it.
coverage: $(VENV)/test.stamp
	@mkdir -p build/coverage
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest $(PARALLEL) || { \
		echo "Running the failed tests once more, one at a time: a busy machine fails tests that wait."; \
		$(BIN)/coverage run -m pytest --numprocesses 0 --last-failed --last-failed-no-failures none; }
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

check: lint test

lint: $(VENV)/test.stamp
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/python -m pytest --quiet --numprocesses 0 tests/test_architecture.py tests/test_catalog.py tests/test_plain_english.py

# Mutate a corpus of fifteen kinds of input, guided by coverage. This has its own environment, because only it needs atheris.
SECONDS ?= 120
fuzz: .venv-fuzz/stamp
	@.venv-fuzz/bin/python -m tests.fuzz.run_all --seconds $(SECONDS)

.venv-fuzz/stamp: requirements/fuzz.txt requirements/test.txt $(PROJECT)
	$(PYTHON) -m venv --clear .venv-fuzz
	.venv-fuzz/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes --requirement requirements/test.txt
	.venv-fuzz/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes --requirement requirements/fuzz.txt
	.venv-fuzz/bin/python -m pip --disable-pip-version-check --quiet install --no-build-isolation --no-deps --editable .
	@touch $@

# A new text gets an empty or a fuzzy entry, and entries of deleted texts are deleted. Fill the entries, remove `fuzzy`, and run
# it again, because the tests allow neither. The files contain no times and line numbers, so they change only if a text does.
LOCALE := moza_mail/i18n/locale
translations: $(VENV)/test.stamp
	@mkdir -p build
	$(BIN)/pybabel --quiet extract --mapping-file pyproject.toml --add-location file --sort-by-file --no-wrap \
		--add-comments Translators: --project moza-mail --output build/moza_mail.pot moza_mail
	$(BIN)/pybabel --quiet update --input-file build/moza_mail.pot --output-dir $(LOCALE) --domain moza_mail --no-wrap \
		--ignore-obsolete --previous --ignore-pot-creation-date
	$(BIN)/pybabel --quiet compile --directory $(LOCALE) --domain moza_mail

bench: $(VENV)/test.stamp
	$(BIN)/python -m benchmarks.all
	$(BIN)/python -m benchmarks.send
	$(BIN)/python -m benchmarks.dkim
	$(BIN)/python -m benchmarks.subscriber_import
	$(BIN)/python -m benchmarks.public_pages
	$(BIN)/python -m benchmarks.sign_up_timing
	$(BIN)/python -m benchmarks.archive
	$(BIN)/python -m benchmarks.editor

shots: $(VENV)/test.stamp
	$(BIN)/python -m benchmarks.shots
	$(BIN)/python -m benchmarks.editor_shots
	$(BIN)/python -m benchmarks.archive_shots

man: $(VENV)/run.stamp
	@mkdir -p build
	$(BIN)/python packaging/man_page.py > build/moza-mail.1
	@echo "man -l build/moza-mail.1    shows it"

# Each list is for all systems and all versions of Python from 3.11 on (--universal). test.txt has the same versions as run.txt.
lock: $(VENV)/made
	$(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip --disable-pip-version-check --quiet install uv
	build/lock/bin/uv pip compile pyproject.toml $(LOCK_OPTIONS) --group build --output-file requirements/run.txt
	build/lock/bin/uv pip compile pyproject.toml $(LOCK_OPTIONS) --extra postgres --group build --group test --group check \
		--constraint requirements/run.txt --output-file requirements/test.txt
	echo 'atheris>=3,<3.1' | build/lock/bin/uv pip compile - $(LOCK_OPTIONS) --output-file requirements/fuzz.txt

clean:
	rm -rf $(VENV) .venv-fuzz build dist out .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "moza-mail needs Python 3.11 or newer, and $(PYTHON) is not. Name another: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
		echo "$(PYTHON) has no venv. On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/%.stamp: requirements/%.txt $(PROJECT) | $(VENV)/made
	$(PIP) install --require-hashes --requirement $<
	$(PIP) install --no-build-isolation --no-deps --editable .
	@touch $@
