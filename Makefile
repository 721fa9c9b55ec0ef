# `make run` and `make test` need nothing but Python 3.11 to 3.13: they make .venv by themselves.

VENV := .venv
BIN := $(VENV)/bin
PYTHONS := python3 python3.13 python3.12 python3.11
PIP_TOOLS := 7.6.2
# Tests of the whole walk count no lines; each of these modules is covered by its own tests, fully.
WHOLE := tests/meta tests/simulation tests/process
COVERED := booktape/books/spans.py booktape/segments/pages.py booktape/keys.py booktape/ladder.py booktape/manifest.py shared/feed/sequencer.py shared/event.py shared/exchange.py shared/delivery/frame.py shared/delivery/journal.py \
    services/*/parser.py $(addprefix services/buffer_writer/,buffer.py committed.py segment.py spool.py)
# Most of a test of real processes is waiting: two for each core.
PYTEST := $(BIN)/pytest --numprocesses $(shell echo $$((2 * $$(nproc)))) --dist worksteal
EMPTY :=
COMMA := ,

.PHONY: run demo check test test-readers test-exports mutants fuzz soak test-s3 test-sinks test-deploy test-metrics test-page bench \
    audit format lock
.DELETE_ON_ERROR:

run: $(VENV)/.run
	$(BIN)/booktape up

demo: $(VENV)/.run
	$(BIN)/booktape demo --fresh

# Before a commit: under a minute.
check: $(VENV)/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(PYTEST) tests/meta

test: check
	$(PYTEST) -m 'not readers and not monitoring' $(WHOLE:%=--ignore=%) --ignore=tests/deploy --ignore=tests/sinks --ignore=tests/page --ignore=tests/query --cov --cov-report=
	$(BIN)/coverage report --fail-under=100 \
	    --include='$(subst $(EMPTY) $(EMPTY),$(COMMA),$(strip $(COVERED)))'
	$(PYTEST) -m 'not soak' $(wildcard $(filter-out tests/meta,$(WHOLE)))
	$(PYTEST) -m 'not moto and not slow' tests/deploy

# Every kind of fault at random, for SECONDS; SEED=n repeats the dice of another run.
SECONDS := 600
SEED := $(shell date +%s)
soak: $(VENV)/.test
	$(BIN)/pytest -m soak tests/process
	$(BIN)/python -m tests.soak --seconds $(SECONDS) --seed $(SEED)

# A tape is recorded with every fault, and read in every way: held against a slow plain reader. Then
# docs/reading.md runs where nothing is installed but the library's wheel and what the page names, and
# docs/query.md by DuckDB, Spark and Dask. Spark needs Java: tests/query/install, on Debian as root.
test-readers: $(VENV)/.test .venv-readers/.readers .venv-query/.query
	$(BIN)/pytest -m readers tests/reference
	.venv-readers/bin/python -m pip install --quiet --no-deps --no-build-isolation --force-reinstall ./booktape
	BOOKTAPE_TEST_READERS=$(CURDIR)/.venv-readers/bin/python $(BIN)/pytest tests/readers
	tests/query/install
	.venv-query/bin/python -m pip install --quiet --no-deps --no-build-isolation --force-reinstall ./booktape
	BOOKTAPE_TEST_QUERY=$(CURDIR)/.venv-query/bin/python $(BIN)/pytest tests/query

# What is exported is read, and traded on, by those whose format it is.
test-exports: $(VENV)/.test .venv-exports/.exports
	.venv-exports/bin/python -m pip install --quiet --no-deps --no-build-isolation --force-reinstall ./booktape
	.venv-exports/bin/python -m pytest --noconftest -p no:cacheprovider tests/unit/booktape/export
	BOOKTAPE_TEST_EXPORTS=$(CURDIR)/.venv-exports/bin/python $(BIN)/pytest tests/exports

# The store against servers that are no imitation: Ceph's radosgw and Swift. Debian, as root.
test-s3: $(VENV)/.test .venv-s3/.s3
	tests/s3/install
	BOOKTAPE_TEST_S3_SERVERS=radosgw,swift $(BIN)/pytest -m s3 tests/process/test_store_s3.py

# A sink against a real InfluxDB, with every fault on the way. Debian or Ubuntu, as root.
test-sinks: $(VENV)/.test
	tests/sinks/install
	$(BIN)/pytest -m sinks tests/sinks

# A real Prometheus scrapes a recording with faults; promtool tries the alarms. Debian or Ubuntu, as root.
test-metrics: $(VENV)/.test
	tests/monitoring/install
	$(BIN)/pytest -m monitoring tests/monitoring

# A headless browser looks at what people look at; pictures come to build/page. Debian, as root.
test-page: $(VENV)/.test .venv-page/.page
	tests/page/install
	.venv-page/bin/pytest -m page tests/page

# A deploy against a server of AWS's interfaces, and on a box with real processes: minutes; as root, all of it.
test-deploy: $(VENV)/.test .venv-deploy/.deploy
	.venv-deploy/bin/pytest -m 'moto or slow' tests/deploy

# The simulation must catch each fault that is put into a copy of the code: about ten minutes.
mutants: $(VENV)/.test
	$(BIN)/python -m tests.simulation.mutants

# What others or a bad disk may hand us, damaged: `make fuzz INPUTS=1000 SEED=7` for other inputs.
INPUTS := 1000000
fuzz: $(VENV)/.test
	$(BIN)/python -m tests.fuzz --inputs $(INPUTS) --seed $(SEED)
	FUZZ_EXAMPLES=1000 $(BIN)/pytest tests/property --hypothesis-seed=$(SEED)

# Whether a fault is known of anything that is pinned; asks the registry's list of them.
audit: .venv-audit/.audit
	for name in run test bench deploy page readers query exports s3 audit; do \
	    .venv-audit/bin/pip-audit --disable-pip --require-hashes --requirement requirements/$$name.txt || exit 1; \
	done

# The plain way that we compare with needs pandas, which stays out of .venv.
bench: $(VENV)/.test .venv-bench/.bench
	$(BIN)/python -m benchmarks

format: $(VENV)/.test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Pins every requirement by its hashes, on the oldest Python (some need more there);
# `make lock UPGRADE=--upgrade` takes the newest.
lock: .venv-lock/bin/pip-compile
	cd requirements && for name in run test bench deploy page readers query exports s3 audit; do \
	    ../$< --quiet --generate-hashes --strip-extras --allow-unsafe --no-header \
	        --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
	        $(UPGRADE) --output-file $$name.txt $$name.in || exit 1; \
	done

# The locks hold all that is needed: without --no-deps an older pip would look for newer extras.
$(VENV)/.run: requirements/run.txt pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r $<
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/.test: requirements/test.txt $(VENV)/.run
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r $<
	touch $@

.venv-bench/.bench: requirements/bench.txt | .venv-bench/bin/python
	.venv-bench/bin/python -m pip install --quiet --no-deps --require-hashes -r $<
	touch $@

.venv-deploy/.deploy: requirements/deploy.txt pyproject.toml | .venv-deploy/bin/python
	.venv-deploy/bin/python -m pip install --quiet --no-deps --require-hashes -r $<
	.venv-deploy/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

.venv-page/.page: requirements/page.txt pyproject.toml | .venv-page/bin/python
	.venv-page/bin/python -m pip install --quiet --no-deps --require-hashes -r $<
	.venv-page/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

.venv-readers/.readers: requirements/readers.txt | .venv-readers/bin/python
	.venv-readers/bin/python -m pip install --quiet --no-deps --require-hashes -r $<
	touch $@

.venv-query/.query: requirements/query.txt | .venv-query/bin/python
	.venv-query/bin/python -m pip install --quiet --no-deps --require-hashes -r $<
	touch $@

.venv-exports/.exports: requirements/exports.txt | .venv-exports/bin/python
	.venv-exports/bin/python -m pip install --quiet --no-deps --require-hashes -r $<
	touch $@

.venv-audit/.audit: requirements/audit.txt | .venv-audit/bin/python
	.venv-audit/bin/python -m pip install --quiet --no-deps --require-hashes -r $<
	touch $@

.venv-s3/.s3: requirements/s3.txt | .venv-s3/bin/python
	.venv-s3/bin/python -m pip install --quiet --no-deps --require-hashes -r $<
	touch $@

.venv-lock/bin/pip-compile: | .venv-lock/bin/python
	.venv-lock/bin/python -m pip install --quiet pip-tools==$(PIP_TOOLS)

%/bin/python:
	@for python in $(PYTHONS); do \
	    $$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
	        2> /dev/null || continue; \
	    echo "$$python -m venv $*"; \
	    $$python -m venv $* || { rm -rf $*; exit 1; }; \
	    exit 0; \
	done; \
	echo "booktape needs Python 3.11, 3.12 or 3.13; none of these is one: $(PYTHONS)" >&2; \
	exit 1
