# make demo    the main job, end to end, against a made-up company's mail server: start here
# make test    sets up everything, then checks and tests everything; what CI runs
# make check   the same with what is already installed
# make lint    the checks without the tests
# make bench   measures beside other programs, and writes bench/results
# make proof   the tests with large numbers: minutes to hours
# make clean   removes what these made
#
# Variables, to be given as `make test WORKERS=1`:

# The Python, 3.11 or newer, that the virtual environment is made from.
PYTHON ?= python3
# Where the virtual environment is made.
VENV ?= .venv
# How many tests run at once.
WORKERS ?= auto
# More arguments for pytest, such as PYTEST="-k wire -x".
PYTEST ?=
# More arguments for the benchmark; `make bench BENCH=--help` lists them.
BENCH ?=

BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed-test
SERVERS := $(VENV)/.unpacked-servers

.PHONY: demo test check lint bench proof dovecot clean

demo: $(VENV)/.installed-demo
	@$(BIN)/python fixtures/demo/run.py

test: $(INSTALLED) dovecot $(SERVERS)
	@$(MAKE) --no-print-directory check

check: lint
	$(BIN)/pytest -n $(WORKERS) -m "not proof" $(PYTEST)

lint: $(INSTALLED)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(INSTALLED) dovecot
	$(BIN)/python -m bench $(BENCH)

proof: $(INSTALLED) dovecot $(SERVERS)
	$(BIN)/pytest -n $(WORKERS) -m proof $(PYTEST)

# With an extra of pyproject.toml: `demo` is little, `test` is everything. Debian's Python comes without what makes
# virtual environments.
$(VENV)/.installed-%: pyproject.toml
	@echo "installing into $(VENV) what '$*' needs: half a minute or more"
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || .ci/install python3-venv
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@

# The tests start servers of their own from these programs; no service of the system is used, or left running.
dovecot:
	@ls /usr/lib*/dovecot/lmtp >/dev/null 2>&1 || .ci/install dovecot-imapd dovecot-lmtpd

# Servers beside Dovecot, and such as change mail in passing. Their packages exclude each other, so they are only unpacked.
$(SERVERS): .ci/unpack | $(INSTALLED) dovecot
	@echo "unpacking into $(VENV)/servers the mail servers that tests read from and relay through"
	@.ci/unpack $(VENV)/servers postfix exim4-daemon-light cyrus-common cyrus-imapd courier-imap \
		fakeroot libfakeroot libnss-wrapper
	@touch $@

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
